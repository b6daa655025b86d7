package wire

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/mlruns/mlruns/internal/failure"
)

// Request is the parameters of a call, of its body or its query. Each method reads one: what is
// absent, or null, gives the zero value. What does not fit is refused in MLflow's words; the first
// such refusal is kept for Err, so that a call reads all that it needs and asks once.
//
// It is as tolerant as MLflow: numbers may be texts, unknown parameters are ignored, and a name is
// read in camelCase too.
type Request struct {
	object value
	query  bool // where a list of one looks like a text
	fault  *fault
	within // for an element
}

// within says where in a request an element is.
type within struct {
	request *Request
	name    string
	index   int // in a list, else -1
}

// path is "metrics[0]." of an element, and is made for the message that needs it.
func (w within) path() string {
	switch {
	case w.request == nil:
		return ""
	case w.index < 0:
		return w.request.path() + w.name + "."
	}
	return fmt.Sprintf("%s%s[%d].", w.request.path(), w.name, w.index)
}

// fault is shared by a request and its elements.
type fault struct{ malformed, first error }

// ParseBody reads the body of a request. A body that is no JSON is taken for an empty one, as in
// MLflow, except that Err tells of it.
func ParseBody(text []byte) *Request {
	r := &Request{object: value{kind: kindObject}, fault: &fault{}}
	body := string(text)
	if strings.TrimSpace(body) == "" {
		return r
	}
	v, err := parseValue(body)
	if err == nil && v.kind == kindString {
		v, err = parseValue(v.text) // old clients encode twice
	}
	switch {
	case err != nil:
		r.fault.malformed = failure.Invalid("The request body is not valid JSON, " + err.Error())
	case v.kind == kindNull:
	case v.kind != kindObject:
		r.fault.malformed = failure.Invalid(fmt.Sprintf("The request body is a JSON %s, and must be an object", v.pythonType()))
	default:
		r.object = v
	}
	return r
}

// ParseQuery reads the query of a request.
func ParseQuery(query map[string][]string) *Request {
	r := &Request{object: value{kind: kindObject}, query: true, fault: &fault{}}
	for name, values := range query {
		v := value{kind: kindString, text: values[0]}
		if len(values) > 1 {
			v = value{kind: kindList}
			for _, text := range values {
				v.items = append(v.items, item{value: value{kind: kindString, text: text}})
			}
		}
		r.object.items = append(r.object.items, item{name, v})
	}
	return r
}

// Err is the first thing that does not fit of what was read.
func (r *Request) Err() error {
	if r.fault.first != nil {
		return r.fault.first
	}
	return r.fault.malformed
}

func (r *Request) refuse(err error) {
	if r.fault.first == nil {
		r.fault.first = err
	}
}

const seeDocs = " See the API docs for more information about request parameters."

// Missing refuses the request because a parameter has no value.
func (r *Request) Missing(name string) {
	r.refuse(failure.Invalid("Missing value for required parameter '" + r.path() + name + "'." + seeDocs))
}

// maxShown is how much of a value that does not fit is told.
const maxShown = 1000

// Invalid refuses the request because of the value of a parameter.
func (r *Request) Invalid(name string) {
	v, _ := r.get(name)
	r.invalid(name, v)
}

func (r *Request) invalid(name string, v value) {
	shown := v.appendPython(nil)
	if len(shown) > maxShown {
		shown = append(shown[:maxShown], "..."...)
	}
	r.refuse(failure.Invalid(fmt.Sprintf("Invalid value %s for parameter '%s%s' supplied:  Hint: Value was of type '%s'.%s", shown, r.path(), name, v.pythonType(), seeDocs)))
}

// get finds a parameter by its name or that in camelCase; both at once are refused.
func (r *Request) get(name string) (v value, ok bool) {
	found := -1
	for i := range r.object.items {
		given := r.object.items[i].name
		if given != name && !isCamelCase(given, name) {
			continue
		}
		if found >= 0 && r.object.items[found].name != given {
			r.refuse(failure.Invalid(fmt.Sprintf("'%s%s' and '%s%s' are the same parameter, and only one may be given", r.path(), r.object.items[found].name, r.path(), given)))
		}
		found = i // the last of a name counts, as in Python
	}
	if found < 0 {
		return value{}, false
	}
	v = r.object.items[found].value
	return v, v.kind != kindNull
}

// isCamelCase reports whether a name is another one, of words joined by underscores, in camelCase.
func isCamelCase(camel, snake string) bool {
	at := 0
	for i := 0; i < len(snake); i++ {
		c := snake[i]
		if c == '_' && i+1 < len(snake) {
			i++
			c = byte(unicode.ToUpper(rune(snake[i])))
		}
		if at == len(camel) || camel[at] != c {
			return false
		}
		at++
	}
	return at == len(camel)
}

// Has reports whether the request has the parameter, and not null.
func (r *Request) Has(name string) bool {
	_, ok := r.get(name)
	return ok
}

// Text reads a text.
func (r *Request) Text(name string) string {
	v, ok := r.get(name)
	if ok && v.kind != kindString {
		r.invalid(name, v)
	}
	return strings.Clone(v.text) // the body is not to live as long as a key
}

// AnyText reads a text, a number, true or false as a text, as Python prints it.
func (r *Request) AnyText(name string) string {
	v, _ := r.get(name)
	switch v.kind {
	case kindString:
		return strings.Clone(v.text)
	case kindTrue:
		return "True"
	case kindFalse:
		return "False"
	case kindNumber:
		return string(v.appendPython(nil))
	case kindNull:
		return ""
	}
	r.invalid(name, v)
	return ""
}

// RequiredText reads a text that must be there and not empty.
func (r *Request) RequiredText(name string) string {
	text := r.Text(name)
	if text == "" {
		r.Missing(name)
	}
	return text
}

// RunID reads the run that a call is about. Clients send run_id, run_uuid or both.
func (r *Request) RunID() string {
	if id := r.Text("run_id"); id != "" {
		return id
	}
	if id := r.Text("run_uuid"); id != "" {
		return id
	}
	r.Missing("run_id")
	return ""
}

// Int reads an integer; ok reports whether there is one.
func (r *Request) Int(name string) (n int64, ok bool) {
	v, ok := r.get(name)
	if !ok {
		return 0, false
	}
	n, err := parseInt(v.text)
	if err != nil || v.kind != kindNumber && v.kind != kindString {
		r.invalid(name, v)
	}
	return n, true
}

// RequiredInt reads an integer that must be there.
func (r *Request) RequiredInt(name string) int64 {
	n, ok := r.Int(name)
	if !ok {
		r.Missing(name)
	}
	return n
}

// RequiredFloat reads a number that must be there. NaN and the infinities are numbers, as texts and
// bare.
func (r *Request) RequiredFloat(name string) float64 {
	v, ok := r.get(name)
	if !ok || v.kind == kindString && v.text == "" {
		r.Missing(name)
		return 0
	}
	f, err := parseFloat(v.text)
	if err != nil || v.kind != kindNumber && v.kind != kindString {
		r.invalid(name, v)
	}
	return f
}

// Limit reads how many results a page may have: standard where the request does not say, from 1 to
// most.
func (r *Request) Limit(name string, standard, most int) int {
	n, ok := r.Int(name)
	if !ok {
		return standard
	}
	if n < 1 || n > int64(most) {
		r.Invalid(name)
		return standard
	}
	return int(n)
}

// Bool reads true or false.
func (r *Request) Bool(name string) bool {
	v, ok := r.get(name)
	switch {
	case !ok || v.kind == kindFalse || v.text == "false" || v.text == "False":
		return false
	case v.kind != kindTrue && v.text != "true" && v.text != "True":
		r.invalid(name, v)
	}
	return true
}

// Enum reads one of the names, or its number, counted from 1; 0 where there is none.
func (r *Request) Enum(name string, names ...string) int {
	v, ok := r.get(name)
	if !ok {
		return 0
	}
	if i := slices.Index(names, v.text); i >= 0 && v.kind == kindString {
		return i + 1
	}
	n, err := parseInt(v.text)
	if err != nil || n < 1 || n > int64(len(names)) {
		r.invalid(name, v)
		return 0
	}
	return int(n)
}

// list reads a list. A parameter of a query that is given once is a list of one.
func (r *Request) list(name string) []item {
	v, ok := r.get(name)
	switch {
	case !ok || v.kind == kindList:
		return v.items
	case r.query:
		return []item{{value: v}}
	}
	r.invalid(name, v)
	return nil
}

// Texts reads a list of texts.
func (r *Request) Texts(name string) []string {
	items := r.list(name)
	texts := make([]string, 0, len(items))
	for _, i := range items {
		if i.kind != kindString {
			r.Invalid(name)
			return nil
		}
		texts = append(texts, strings.Clone(i.text))
	}
	return texts
}

// Items reads a list of objects.
func (r *Request) Items(name string) []Request {
	v, ok := r.get(name)
	if ok && v.kind != kindList {
		r.invalid(name, v)
		return nil
	}
	items := make([]Request, 0, len(v.items))
	for i, element := range v.items {
		if element.kind != kindObject {
			r.invalid(name, v)
			return nil
		}
		items = append(items, Request{object: element.value, fault: r.fault, within: within{r, name, i}})
	}
	return items
}

// Map reads an object of texts.
func (r *Request) Map(name string) map[string]string {
	o := r.Object(name)
	m := make(map[string]string, len(o.object.items))
	for _, i := range o.object.items {
		if i.kind != kindString {
			r.Invalid(name)
			return nil
		}
		m[strings.Clone(i.name)] = strings.Clone(i.text)
	}
	return m
}

// Object reads an object; an absent one is empty.
func (r *Request) Object(name string) *Request {
	v, ok := r.get(name)
	if ok && v.kind != kindObject {
		r.invalid(name, v)
		v = value{}
	}
	return &Request{object: v, fault: r.fault, within: within{r, name, -1}}
}
