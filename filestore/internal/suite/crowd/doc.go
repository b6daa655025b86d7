// Package crowd has processes, of this module and of MLflow's kind, write to one store at once.
package crowd
