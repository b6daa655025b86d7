// Package lifecycle moves experiments between the root and the trash, and marks experiments and
// runs active or deleted: the steps that deleting, restoring, repairing and collecting share. Its
// callers hold the locks.
package lifecycle
