// Package codec turns the bytes of a store's files into values and back: meta.yaml of every kind,
// the lines of metric files, the list of models in a tag, and what git leaves in the place of a
// file.
//
// It opens no file and knows no store. What cannot be understood is a *Damage; a meta.yaml that
// belongs to another folder is a *Mismatch.
package codec
