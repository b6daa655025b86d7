// Package lifecycle moves experiments between the root and the trash, and marks experiments and
// runs active or deleted: deleting and restoring, and the steps that repairing and collecting share
// with them. Who takes a step holds the locks.
package lifecycle
