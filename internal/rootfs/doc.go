// Package rootfs is an afero.Fs confined to one directory by the operating system.
//
// It is built on os.Root: no "..", absolute name or symbolic link in a name leads out of the
// directory, at any moment, whoever changes the tree meanwhile, and the directory itself may be
// renamed while it is open. Only regular files are opened, so that a named pipe or a device that
// lies in the tree cannot hang a reader.
//
// Names are slash-separated and relative ("0/meta.yaml"). "." and "" are the directory itself;
// leading and trailing slashes are dropped.
package rootfs
