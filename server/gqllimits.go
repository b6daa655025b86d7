package server

import "fmt"

// Limits of a query, MLflow's. What a short query could ask of the store is bounded by them.
const (
	maxRootFields = 10
	maxAliases    = 10 // of one level
	maxQueryDepth = 10
	maxSelections = 1000
)

// limitError is a query that is understood, and asks for too much. MLflow answers it with 200.
type limitError string

func (e limitError) Error() string { return string(e) }

var (
	errTooDeep           = limitError(fmt.Sprintf("Query exceeds maximum depth of %d", maxQueryDepth))
	errTooManySelections = limitError(fmt.Sprintf("Query exceeds maximum total selections of %d", maxSelections))
)

// checkCounts holds the fields of a query to what MLflow's server takes.
func checkCounts(fields []selection) error {
	if len(fields) > maxRootFields {
		return tooMany(maxRootFields, "root fields", len(fields))
	}
	return checkAliases(fields)
}

func checkAliases(fields []selection) error {
	n := 0
	for _, f := range fields {
		if f.aliased {
			n++
		}
		if err := checkAliases(f.fields); err != nil {
			return err
		}
	}
	if n > maxAliases {
		return tooMany(maxAliases, "aliases", n)
	}
	return nil
}

func tooMany(most int, what string, got int) error {
	return limitError(fmt.Sprintf("GraphQL queries should have at most %d %s, got %d %s.", most, what, got, what))
}
