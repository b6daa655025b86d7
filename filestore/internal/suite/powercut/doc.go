// Package powercut cuts the power of a model of a disk, and judges what is left on it.
package powercut
