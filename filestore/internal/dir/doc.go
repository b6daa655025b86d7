// Package dir is the directory of a store in verbs: read, write, replace, place whole, move,
// discard, each with its rules of names, links and durability. It knows files and folders, and the
// names that package layout gives them; what an experiment or a run is, and what their files hold,
// it does not.
//
// Paths are relative to the store's root, with slashes.
package dir
