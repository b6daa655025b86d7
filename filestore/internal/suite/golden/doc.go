// Package golden holds the store to what MLflow wrote and answered: the golden stores of testdata,
// and the texts and answers recorded beside them.
package golden
