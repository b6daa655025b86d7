// Package index keeps what was read from files, beside what the files looked like, so that who
// looks at them again and finds them unchanged need not read them. It knows neither stores nor
// values: a part has rows, a row has cells, and a cell is the bytes that somebody made of one state
// of one file, or of several together.
//
// An index file is made whole, beside its name, and renamed into place. It is never changed, so
// who has it open keeps it. All numbers are little-endian:
//
//	header     56 bytes: the magic text, the format, a random number, where the directory is
//	groups     of up to 256 rows of one part, sorted by the names of the rows
//	directory  the owner; the parts, sorted; of each the state of the folder of which its rows are
//	           all that was listed, 0 for none, and its groups
//
// A group is the names of its rows, a block for each of its columns, sorted, and a table of these.
// The block of a column is the rows that have a cell, the stamps of the cells, where each value
// ends, and the values. Each block has a checksum in what leads to it, which the random number and
// the place of the block are part of. What does not fit its checksum is taken for missing.
package index
