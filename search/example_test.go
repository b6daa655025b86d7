package search_test

import (
	"fmt"
	"slices"

	"github.com/mlruns/mlruns/search"
)

// run is a Record that has all its values at hand.
type run struct {
	id     string
	start  int64
	loss   float64
	params map[string]string
}

func (r run) Text(a search.Attribute) (string, bool) { return r.id, a == search.RunID }
func (r run) Time(a search.Attribute) (int64, bool)  { return r.start, a == search.StartTime }
func (r run) Metric(key string) (search.Summary, bool) {
	return search.Summary{Latest: r.loss}, key == "loss"
}
func (r run) Param(key string) (string, bool) { v, ok := r.params[key]; return v, ok }
func (r run) Tag(string) (string, bool)       { return "", false }
func (r run) Datasets() []search.Dataset      { return nil }

var sweep = []run{
	{"a", 1, 0.3, map[string]string{"lr": "0.1"}},
	{"b", 2, 0.1, map[string]string{"lr": "1e-3"}},
	{"c", 3, 0.2, nil},
}

func ExampleParseRuns() {
	f, err := search.ParseRuns("metrics.loss < 0.25 and (params.lr < 0.01 or params.lr is null)")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f)
	for _, r := range sweep {
		if f.Match(r) {
			fmt.Println(r.id)
		}
	}
	// Output:
	// metrics.loss < 0.25 AND (params.lr < 0.01 OR params.lr IS NULL)
	// b
	// c
}

func ExampleParseRuns_error() {
	_, err := search.ParseRuns("metrics.loss < 0.25 AND params.lr = high")
	fmt.Println(err)
	// Output:
	// Parameter value is either not quoted or unidentified quote types used for string value high. Use either single or double quotes.
	//   metrics.loss < 0.25 AND params.lr = high
	//                                       ^
}

func ExampleFilter_Needs() {
	f, err := search.ParseRuns("min(metrics.loss) < 0.25 AND metrics.acc > 0.9 AND NOT tags.stage = 'dev'")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+v\n", f.Needs())
	// Output:
	// {Attributes:[] Metrics:[{Key:acc History:false} {Key:loss History:true}] Params:[] Tags:[stage] Datasets:false}
}

func ExampleParseRunOrder() {
	o, err := search.ParseRunOrder([]string{"metrics.loss DESC"})
	if err != nil {
		fmt.Println(err)
		return
	}
	slices.SortFunc(sweep, func(x, y run) int { return o.Compare(o.Key(x), o.Key(y)) })
	for _, r := range sweep {
		fmt.Println(r.id, r.loss)
	}
	// Output:
	// a 0.3
	// c 0.2
	// b 0.1
}

func ExampleHistory() {
	var h search.History
	h.Add(0.9, 1600000000000, 0)
	h.Add(0.2, 1600000001000, 1)
	h.Add(0.4, 1600000002000, 2)
	s, _ := h.Summary()
	fmt.Println(s.Latest, s.Min, s.Max, s.Mean, s.First, s.Count)
	// Output: 0.4 0.2 0.9 0.5 0.9 3
}

func ExampleEncodeToken() {
	fmt.Println(search.EncodeToken(1000))
	offset, err := search.DecodeToken("eyJvZmZzZXQiOiAxMDAwfQ==")
	fmt.Println(offset, err)
	// Output:
	// eyJvZmZzZXQiOiAxMDAwfQ==
	// 1000 <nil>
}
