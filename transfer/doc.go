// Package transfer copies runs from one store to another, whatever the two are: it knows the
// interfaces of package mlruns and no store. What the destination is decides how: a store that is a
// mlruns.Importer, such as a folder, keeps ids, times and stages, and a run that is on both sides
// is united; any other, such as a server, draws ids of its own, and the source's id becomes the tag
// TagSourceRun, by which the run is found again.
//
// A copy can be made twice: the second time it writes nothing. It can be interrupted anywhere and
// made again. It never chooses between two values: they are a Conflict, and what the destination
// has stays, unless the Query prefers one side. What was written is read back and compared.
package transfer
