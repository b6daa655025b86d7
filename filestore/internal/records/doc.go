// Package records reads experiments and runs from their folders: the meta.yaml, values, histories,
// inputs and outputs, and what of it can be read where the rest is damaged. Every Problem that a
// read meets is made here.
//
// It is told which folder to read, and neither looks for one nor locks it. What another program is
// just writing is looked at again. A shortage of the process and the end of the context end a read;
// all else that goes wrong with one file costs that file only.
package records
