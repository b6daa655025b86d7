// Package locate finds experiments and runs, and the places of their artifacts, by what they are
// called. It takes the locks, in their order, and follows what moves meanwhile.
package locate
