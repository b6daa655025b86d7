package mlruns

// Limits of the searches, MLflow 3.11's.
const (
	// DefaultMaxResults is the page size when a query names none.
	DefaultMaxResults = 1000
	// MaxResultsLimit is the largest page size.
	MaxResultsLimit = 50000
)

// RunQuery selects and orders runs. The zero RunQuery is all active runs of all experiments, newest
// first.
type RunQuery struct {
	// Experiments are ids, not names, for which there is Client.ExperimentByName. An id of no
	// experiment has no runs, and is no error, as in MLflow. None named, nil or empty, means all
	// that are active, where MLflow finds nothing.
	Experiments []string
	// Filter is in the language of docs/search.md; "" matches every run.
	Filter string
	// View selects active runs, deleted ones or both. It does not select experiments.
	View View
	// OrderBy are terms such as "metrics.loss ASC"; start time descending, then run id, always
	// follow.
	OrderBy []string
	// MaxResults bounds a page, 1 to MaxResultsLimit; 0 means DefaultMaxResults for SearchRuns and
	// no bound for Runs.
	MaxResults int
	// PageToken is the NextPageToken of the page before. Runs takes none.
	PageToken string
	// OnProblem is told of what could not be read, one problem at a time, from any goroutine, and
	// of none when the call or iteration has ended. Nil: the problems go to the page, or for Runs
	// to the store's logger.
	OnProblem func(Problem)
}

// RunPage is one page of runs.
type RunPage struct {
	// Runs are in the order of the query, each whole, as Store.Run gives it.
	Runs []*Run
	// NextPageToken is "" on the last page. It is MLflow's own token and not bound to the query.
	NextPageToken string
	// Problems names what the query met and could not read, unless the query has an OnProblem.
	Problems []Problem
	// Scan tells what the query cost.
	Scan Scan
}

// Scan tells what a search looked at: its plan and its counts.
type Scan struct {
	// Reads are the files that the filter and the order can ask of each run (or model, or trace),
	// relative to its folder: "meta.yaml", "metrics/loss". Some are opened only for runs that pass
	// what comes before them in the filter.
	Reads []string
	// Opened counts the files opened to filter and order, without those of the runs returned.
	Opened int
	// Looked counts the files and folders that were looked at, and not opened, because an index has
	// what was in them; Indexed counts what was taken from it, for the runs returned too.
	Looked, Indexed int
	// Scanned counts the runs looked at, Matched those that the filter and the view let pass,
	// Returned those of the page.
	Scanned, Matched, Returned int
}

// ExperimentQuery selects and orders experiments. The zero ExperimentQuery is all active ones,
// newest first.
type ExperimentQuery struct {
	// Filter is in the language of docs/search.md; "" matches every experiment.
	Filter string
	View   View
	// OrderBy are terms such as "name ASC"; experiment id, descending, always follows. None means
	// the time of creation, descending, then experiment id.
	OrderBy []string
	// MaxResults bounds a page, 1 to MaxResultsLimit; 0 means DefaultMaxResults for
	// SearchExperiments and no bound for Experiments.
	MaxResults int
	// PageToken is the NextPageToken of the page before. Experiments takes none.
	PageToken string
	// OnProblem is as in RunQuery.
	OnProblem func(Problem)
}

// ExperimentPage is one page of experiments.
type ExperimentPage struct {
	// Experiments are in the order of the query.
	Experiments []Experiment
	// NextPageToken is "" on the last page.
	NextPageToken string
	// Problems names what the query met and could not read, unless the query has an OnProblem.
	Problems []Problem
	// Scan tells what the query cost; its files are those of experiments.
	Scan Scan
}

// HistoryQuery says how to read a metric's history. The zero HistoryQuery reads all of it.
type HistoryQuery struct {
	// OnProblem is told of lines that are no points. Nil: the store's logger.
	OnProblem func(Problem)
}
