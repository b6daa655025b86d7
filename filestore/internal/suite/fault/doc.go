// Package fault fails each operation of the file system under each call, and judges what is left.
package fault
