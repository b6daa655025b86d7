package remote_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/remote"
)

// pagesOfThree is a server that gives a history in pages of three points, counted from the first,
// as MLflow does of its database: in the order of their times, which are all that the points have.
type pagesOfThree struct {
	times []int
	// ours is what the server says of itself.
	ours bool
	// before is called before a page is given, with its number. cut has it end in the middle.
	before func(s *pagesOfThree, page int) (cut bool)
	asked  int
}

func (s *pagesOfThree) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/server-info") {
		if !s.ours {
			http.NotFound(w, r)
			return
		}
		_, _ = fmt.Fprint(w, `{"mlruns":{"version":"1"}}`)
		return
	}
	s.asked++
	cut := s.before(s, s.asked)
	from, _ := strconv.Atoi(r.URL.Query().Get("page_token"))
	var points []string
	for _, at := range s.times[from:min(from+3, len(s.times))] {
		points = append(points, fmt.Sprintf(`{"key":"m","value":1,"timestamp":%d,"step":0}`, at))
	}
	next := ""
	if from+3 < len(s.times) {
		next = strconv.Itoa(from + 3)
	}
	text := fmt.Sprintf(`{"metrics":[%s],"next_page_token":%q}`, strings.Join(points, ","), next)
	if cut {
		_, _ = fmt.Fprint(w, text[:strings.LastIndex(text, `{"key"`)])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = fmt.Fprint(w, text)
}

// TestHistoryThatGrowsWhileItIsRead gives no point twice, which a copy would keep, where one that
// is older comes in between, and leaves alone what was logged twice.
func TestHistoryThatGrowsWhileItIsRead(t *testing.T) {
	older := func(at int) func(*pagesOfThree, int) bool {
		return func(s *pagesOfThree, page int) bool {
			if page == at {
				s.times = slices.Insert(s.times, 1, 15)
			}
			return page == at-1 && at == 2 && s.times[0] == 9
		}
	}
	for _, c := range []struct {
		name        string
		times, want []int
		ours        bool
		before      func(*pagesOfThree, int) bool
	}{
		{"between two pages", []int{10, 20, 30, 40, 50}, []int{10, 20, 30, 40, 50}, false, older(2)},
		{"between the last two", []int{10, 20, 30, 40, 50, 60, 70}, []int{10, 20, 30, 40, 50, 60, 70}, false, older(3)},
		{"while a page is asked for again", []int{9, 20, 30, 40, 50}, []int{9, 20, 30, 40, 50}, false, older(2)},
		{"of a folder behind mlruns serve, with points logged twice", []int{10, 30, 30, 30, 20, 20, 20}, []int{10, 30, 30, 30, 20, 20, 20}, true, func(*pagesOfThree, int) bool { return false }},
		{"of a file store of MLflow, in the order logged", []int{30, 10, 20, 20, 40}, []int{30, 10, 20, 20, 40}, false, func(*pagesOfThree, int) bool { return false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			web := httptest.NewServer(&pagesOfThree{times: c.times, ours: c.ours, before: c.before})
			defer web.Close()
			var got []int
			for m, err := range open(t, web.URL, remote.WithRetries(3, 0)).MetricHistory(t.Context(), "r", "m", mlruns.HistoryQuery{}) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, int(m.Time.UnixMilli()))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}
