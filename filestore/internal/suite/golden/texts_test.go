package golden

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTexts makes every call that MLflow's file store refuses, one at least for each place of its
// source that does so, and compares codes and texts. A hint in parentheses may follow MLflow's
// text.
func TestTexts(t *testing.T) {
	t.Parallel()
	all := readMLflowAnswers(t)
	d := differences{known: textDeviations}
	places := map[string]bool{}
	for _, c := range all.Cases {
		s := newMLflowStore(t, all.Files)
		s.harm(c)
		places[c.Place] = true
		want, got := sortSets(c.Answer.String()), sortSets(s.ask(c).String())
		if !strings.HasPrefix(got, want+" (") {
			d.compare(c.Call, c.about(), want, got)
		}
	}
	if len(places) < 80 {
		t.Errorf("the calls reach %d places of MLflow's source", len(places))
	}
	d.judge(t, "3.11.1")
}

// about is what tells a call from others of its kind: the damage, else the arguments.
func (c mlflowCall) about() string {
	if d := c.Damage; d != nil {
		text, _ := json.Marshal(d)
		return "damage " + string(text)
	}
	args, _ := json.Marshal(c.Args)
	return string(args)
}

var pythonSets = regexp.MustCompile(`\{'[^{}]*\}?`)

// sortSets sorts the sets that a text has, in whatever order they were printed; MLflow leaves out
// the brace or the quote that ends some.
func sortSets(text string) string {
	return pythonSets.ReplaceAllStringFunc(text, func(set string) string {
		elements := strings.Split(strings.Trim(set, "{}"), ", ")
		slices.Sort(elements)
		return "{" + strings.Join(elements, ", ") + "}"
	})
}
