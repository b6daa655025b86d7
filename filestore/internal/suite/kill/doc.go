// Package kill kills processes inside each kind of write, and judges the store that they leave.
package kill
