// Package search is the filter and ordering language of MLflow, and a superset of it.
//
// ParseRuns and ParseExperiments turn a filter into a *Filter, ParseRunOrder
// and ParseExperimentOrder turn an order_by list into an *Order. Both are
// evaluated over a Record, which a store implements lazily: a filter asks only
// for the fields it needs, and Needs tells a planner beforehand which they are.
//
// # Compatibility
//
// Every filter, order_by item and page token that MLflow 3.11 accepts for its
// file store has the same answer here; the few exceptions, all of them defects
// or accidents of MLflow's tokenizer, are listed in docs/compat.md. What MLflow
// refuses is refused with MLflow's words, unless the superset gives it a
// meaning: OR, NOT, parentheses; IN, BETWEEN, IS NULL and their negations for
// every kind of field; RLIKE; params and tags compared with numbers; history
// functions such as min(metrics.loss); dates as time literals; the fields
// duration, experiment_id and experiment.name. docs/search.md is the user's
// description of the language.
//
// # Missing values and NaN
//
// Logic is three-valued. A comparison with a missing value is unknown, NOT
// unknown is unknown, and only true matches. NaN is not missing: != is true of
// it and so are NOT IN and NOT BETWEEN, every other comparison is false. One
// table, operators, holds these answers for every operator.
//
// # Limits
//
// A filter is at most MaxQuery bytes, nested at most MaxDepth deep. Lexing and
// parsing take time linear in the length of the filter.
package search
