// Package memfs is a strict file system in memory, for tests: it fails where a disk fails, and it
// can lose power.
//
// It follows POSIX as package os shows it on Linux: a missing parent is an error, an append lands
// at the end whatever other handles do, one of any number of exclusive creators wins, a file stays
// readable through its handles after it was removed or replaced, a rename replaces atomically. It
// has no symbolic links, no owners, and modes are kept but not enforced. Names follow the rules of
// package rootfs, and where NewNaming made it, those of a file system that folds case or bends
// names. All methods are safe for concurrent use.
//
// # Power cuts
//
// CrashClone returns what a journaling file system might hold after a power cut. Durable are,
// exactly:
//   - the bytes of a file as of its last Sync,
//   - the entries of a directory as of its last sync (SyncDir, or Sync of its handle). Sync of a
//     file does not make its name durable; and
//   - all that was there at the last Sync of a volume.
//
// Of what came later, each outcome is possible on its own:
//   - every write to a file is kept, lost, torn at any byte, or leaves its length with zeros in
//     place of its bytes; a truncation is kept or lost;
//   - of the changes to the entries of a directory (create, remove, rename, link), in their order,
//     the first so many are kept and the rest lost. A rename is one change, to both directories if
//     there are two, and never half kept; so syncing one of two directories syncs what the other
//     had to undergo before.
//
// Modes and times are as they were last. A name whose file was never synced may come back with an
// empty file.
package memfs
