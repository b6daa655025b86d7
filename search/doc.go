// Package search is the filter and ordering language of MLflow, and a superset of it.
//
// ParseRuns, ParseExperiments, ParseModels and ParseTraces turn a filter into a
// *Filter, ParseRunOrder and its siblings turn an order_by list into an *Order. Both are
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
// # Logged models and traces
//
// A metric of a model has points on several data sets, see Measured. A trace has
// metadata, which Record.Param gives. Both are MLflow 3.17's languages: for a
// model's attributes that are text, every comparison has a meaning; the keys
// name, run_id, prompt, timestamp and execution_time of a trace mean what MLflow
// keeps them as, whatever their prefix.
//
// # Limits
//
// A filter is at most MaxQuery bytes, nested at most MaxDepth deep. Lexing and
// parsing take time linear in the length of the filter.
package search
