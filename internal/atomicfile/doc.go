// Package atomicfile makes and replaces files so that no reader ever sees half of one.
//
// Writing always means: a temporary file on the same file system, write, fsync if asked for, close,
// then one rename or link, which is the commit point, then fsync of the directory if asked for. An
// error before the commit point leaves everything as it was, but for a temporary file if even its
// removal failed (see IsTemp). An error after it is ErrNotDurable: the effect stands.
//
// Parent directories are never made. A file that is replaced keeps its mode; a new one gets
// Options.Perm less umask.
package atomicfile
