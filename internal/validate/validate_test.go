package validate_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/validate"
)

const (
	badCharacters = "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
	ambiguous     = "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to "
)

// invalid checks that an error is a refusal in these words; "" wants no error.
func invalid(t *testing.T, what string, err error, message string) {
	t.Helper()
	if message == "" {
		if err != nil {
			t.Errorf("%s: unexpected error: %v", what, err)
		}
		return
	}
	if !errors.Is(err, mlruns.ErrInvalid) || mlruns.CodeOf(err) != mlruns.CodeInvalidParameter || mlruns.MessageOf(err) != message {
		t.Errorf("%s: got %v with code %s\n\twant %s", what, err, mlruns.CodeOf(err), message)
	}
}

func TestValidateKey(t *testing.T) {
	for _, key := range []string{"a", "a/b/c", "a b", " a", "a ", ".hidden", "-", "_", "a..b", "é", "日本", "Ω", "a:b", "CON", "nul.txt",
		"١", "Ⅷ", "½", "²", "ª", "ǅ", "ʰ", "𝒜", "𐍈"} { // letters and numbers of all kinds are \w
		invalid(t, key, validate.Key("key", key), "")
	}
	for _, c := range []struct{ key, json, why string }{
		{"", `""`, ambiguous + "'.'"}, {".", `"."`, ambiguous + "'.'"}, {"..", `".."`, ambiguous + "'..'"}, {"../a", `"../a"`, ambiguous + "'../a'"}, {"..a", `"..a"`, ambiguous + "'..a'"},
		{"./a", `"./a"`, ambiguous + "'a'"}, {"a/./b", `"a/./b"`, ambiguous + "'a/b'"}, {"a/../b", `"a/../b"`, ambiguous + "'b'"}, {"/a", `"/a"`, ambiguous + "'/a'"},
		{"//a", `"//a"`, ambiguous + "'//a'"}, {"///a", `"///a"`, ambiguous + "'/a'"}, {"a/", `"a/"`, ambiguous + "'a'"}, {"a//b", `"a//b"`, ambiguous + "'a/b'"},
		{"a\n", `"a\n"`, badCharacters}, {"\t\r\b\f", `"\t\r\b\f"`, badCharacters}, {"\x00", `"\u0000"`, badCharacters}, {"\x7f", `"\u007f"`, badCharacters}, {`"\`, `"\"\\"`, badCharacters},
		{"😀", `"\ud83d\ude00"`, badCharacters}, {"é@", `"\u00e9@"`, badCharacters}, {"\xff", `"\ufffd"`, badCharacters}, {"\ufffd", `"\ufffd"`, badCharacters},
		// \w of Python has neither marks nor connectors other than _
		{"a\u0301", `"a\u0301"`, badCharacters}, {"‿", `"\u203f"`, badCharacters},
		{"a\u200d", `"a\u200d"`, badCharacters}, {"€", `"\u20ac"`, badCharacters}, {"\u00a0", `"\u00a0"`, badCharacters},
	} {
		invalid(t, c.json, validate.Key("key", c.key), "Invalid value "+c.json+" for parameter 'key' supplied: "+c.why)
	}
}

func TestValidateIDs(t *testing.T) {
	for _, id := range []string{"a", "0", "A-_9", "aé", strings.Repeat("x", 64)} {
		invalid(t, id, validate.RunID(id), "")
		invalid(t, id, validate.ExperimentID(id), "")
	}
	long, longer := strings.Repeat("é", 64), strings.Repeat("é", 256)
	invalid(t, "65", validate.ExperimentID("x"+long), "Invalid experiment ID: 'x"+long+"'")
	invalid(t, "256", validate.RunID("x"+longer[2:]), "")
	for _, c := range []struct{ id, json string }{{"", `""`}, {"-a", `"-a"`}, {"_a", `"_a"`}, {"éa", `"\u00e9a"`}, {"a.b", `"a.b"`}, {"a/b", `"a/b"`}, {"a\n", `"a\n"`}, {"..", `".."`}, {"a\xff", `"a\ufffd"`},
		{"x" + longer, `"x` + strings.Repeat(`\u00e9`, 256) + `"`}} {
		invalid(t, c.json, validate.RunID(c.id), "Invalid value "+c.json+" for parameter 'run_id' supplied.")
		invalid(t, c.json, validate.ExperimentID(c.id), "Invalid experiment ID: '"+c.id+"'")
	}
}

func TestValidateNames(t *testing.T) {
	for _, name := range []string{"a", " ", "\n", strings.Repeat("é", 500)} {
		invalid(t, name, validate.ExperimentName(name), "")
	}
	invalid(t, "empty", validate.ExperimentName(""), "Invalid experiment name: ''")
	invalid(t, "long", validate.ExperimentName(strings.Repeat("é", 501)), "'name' exceeds the maximum length of 500 characters")
	for _, location := range []string{"", "/a", "s3://b/c", strings.Repeat("é", 2048)} {
		invalid(t, location, validate.ArtifactLocation(location), "")
	}
	invalid(t, "runs", validate.ArtifactLocation("runs:/a"), "Artifact location cannot be a runs:/ URI. Given: 'runs:/a'")
	for _, p := range []string{"", "a", "a/b", "a@b", "a\nb", ".a", "😀"} {
		invalid(t, p, validate.ArtifactPath(p), "")
	}
	for p, resolved := range map[string]string{".": ".", "..": "..", "../a": "../a", "/a": "/a", "a//b": "a/b", "a/": "a", "a/../..": ".."} {
		err := validate.ArtifactPath(p)
		want := "Invalid artifact path: '" + p + "'. " + ambiguous + "'" + resolved + "'"
		if !errors.Is(err, mlruns.ErrInvalid) || mlruns.CodeOf(err) != mlruns.CodeInternal || mlruns.MessageOf(err) != want {
			t.Errorf("artifact path %q: got %v with code %s\n\twant %s", p, err, mlruns.CodeOf(err), want)
		}
	}
}

func TestValidateMetric(t *testing.T) {
	for _, m := range []mlruns.Metric{{Key: "m"}, {Key: "m", Value: math.NaN(), Step: math.MinInt64, Time: time.UnixMilli(0)}, {Key: "m", DatasetName: "a", DatasetDigest: "b"}, {Key: strings.Repeat("k", 250)}} {
		invalid(t, "metric", validate.Metric(m), "")
	}
	invalid(t, "long", validate.Metric(mlruns.Metric{Key: strings.Repeat("k", 251)}), "'Metric name' exceeds the maximum length of 250 characters")
	for _, c := range []struct {
		value float64
		text  string
	}{{1, "1.0"}, {0.1, "0.1"}, {1e16, "1e+16"}, {1e15, "1000000000000000.0"}, {1e-5, "1e-05"}, {1e-4, "0.0001"}, {math.NaN(), "nan"}, {math.Inf(1), "inf"}, {math.Inf(-1), "-inf"}, {math.Copysign(0, -1), "-0.0"}} {
		invalid(t, c.text, validate.Metric(mlruns.Metric{Key: "m", Value: c.value, Time: time.UnixMilli(-7)}),
			"Invalid value -7 for parameter 'timestamp' supplied: metric 'm' (value="+c.text+"). Timestamp must be a nonnegative long (64-bit integer) ")
	}
	invalid(t, "name alone", validate.Metric(mlruns.Metric{Key: "m", DatasetName: "a"}), "Both dataset_name and dataset_digest must be provided if one is provided")
}

func TestValidateBatch(t *testing.T) {
	key := strings.Repeat("k", 251)
	for _, c := range []struct {
		name    string
		batch   mlruns.Batch
		message string
	}{
		{"empty", mlruns.Batch{}, ""},
		{"metrics before params", mlruns.Batch{Metrics: []mlruns.Metric{{Key: "@"}}, Params: []mlruns.Param{{Key: "@"}}}, `Invalid value "@" for parameter 'metrics[0].name' supplied: ` + badCharacters},
		{"params before tags", mlruns.Batch{Params: []mlruns.Param{{Key: "a"}, {Key: "@"}}, Tags: []mlruns.Tag{{Key: "@"}}}, `Invalid value "@" for parameter 'params[1].key' supplied: ` + badCharacters},
		{"tag", mlruns.Batch{Tags: []mlruns.Tag{{Key: "@"}}}, `Invalid value "@" for parameter 'tags[0].key' supplied: ` + badCharacters},
		{"tag key", mlruns.Batch{Tags: []mlruns.Tag{{Key: key}}}, "'tags[0].key' exceeds the maximum length of 250 characters"},
		{"tag value", mlruns.Batch{Tags: []mlruns.Tag{{Key: "a", Value: strings.Repeat("é", 8001)}}}, "'tags[0].value' exceeds the maximum length of 8000 characters"},
		{"param value", mlruns.Batch{Params: []mlruns.Param{{Key: "a", Value: strings.Repeat("é", 6001)}}}, "'Param value' exceeds the maximum length of 6000 characters"},
		{"data before size", mlruns.Batch{Tags: append(make([]mlruns.Tag, 0), append(tags(101), mlruns.Tag{Key: "@"})...)}, `Invalid value "@" for parameter 'tags[101].key' supplied: ` + badCharacters},
		{"size", mlruns.Batch{Tags: tags(101)}, "A batch logging request can contain at most 100 tags. Got 101 tags. Please split up tags across multiple requests and try again."},
		{"repeated", mlruns.Batch{Params: []mlruns.Param{{Key: "a", Value: "1"}, {Key: "a", Value: "1"}}},
			"Duplicate parameter keys have been submitted: ['a']. Please ensure the request contains only one param value per param key."},
	} {
		invalid(t, c.name, validate.Batch(c.batch), c.message)
	}
	long := mlruns.Batch{Params: []mlruns.Param{{Key: "a", Value: strings.Repeat("é", 6001)}}, Tags: []mlruns.Tag{{Key: "a", Value: strings.Repeat("é", 9000)}}}
	cut := validate.Truncate(long)
	invalid(t, "truncated", validate.Batch(cut), "")
	if cut.Params[0].Value != strings.Repeat("é", 6000) || cut.Tags[0].Value != strings.Repeat("é", 8000) || len(long.Params[0].Value) != 12002 {
		t.Errorf("cut to %d and %d bytes, want 12000 and 16000, and the caller's %d left alone", len(cut.Params[0].Value), len(cut.Tags[0].Value), len(long.Params[0].Value))
	}
}

func tags(n int) []mlruns.Tag {
	list := make([]mlruns.Tag, n)
	for i := range list {
		list[i].Key = "t"
	}
	return list
}

func FuzzValidateKey(f *testing.F) {
	for _, key := range []string{"", "a", "a/b", "../a", "//", "a\n", "é", "\xff", "a:b"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if validate.Key("key", key) != nil {
			return
		}
		for part := range strings.SplitSeq(key, "/") {
			if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "\x00\n\\") {
				t.Errorf("accepted %q with the part %q", key, part)
			}
		}
		if validate.ArtifactPath(key) != nil {
			t.Errorf("%q is a key but no path", key)
		}
	})
}
