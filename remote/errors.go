package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// errServer is the kind of an answer that says that the server failed.
var errServer = errors.New("the server failed")

func unsupported(text string) error {
	return &failure.Reason{Kind: mlruns.ErrUnsupported, Text: text}
}

// refusalShape is the body of an error, MLflow's.
type refusalShape struct {
	Code    string `json:"error_code"`
	Message string `json:"message"`
}

// kinds are the sentinels of MLflow's codes.
var kinds = map[string]error{
	"RESOURCE_DOES_NOT_EXIST": mlruns.ErrNotFound,
	"NOT_FOUND":               mlruns.ErrNotFound,
	"RESOURCE_ALREADY_EXISTS": mlruns.ErrExists,
	"ALREADY_EXISTS":          mlruns.ErrExists,
	"RESOURCE_CONFLICT":       mlruns.ErrExists,
	"INVALID_PARAMETER_VALUE": mlruns.ErrInvalid,
	"BAD_REQUEST":             mlruns.ErrInvalid,
	"INVALID_STATE":           mlruns.ErrCorrupt,
	"DATA_LOSS":               mlruns.ErrCorrupt,
	"FEATURE_DISABLED":        mlruns.ErrUnsupported,
	"NOT_IMPLEMENTED":         mlruns.ErrUnsupported,
	codeNoEndpoint:            mlruns.ErrUnsupported,
	"TEMPORARILY_UNAVAILABLE": mlruns.ErrBusy,
	"REQUEST_LIMIT_EXCEEDED":  mlruns.ErrBusy,
	"PERMISSION_DENIED":       fs.ErrPermission,
	"CUSTOMER_UNAUTHORIZED":   fs.ErrPermission,
	"UNAUTHENTICATED":         fs.ErrPermission,
}

const (
	codeNoEndpoint = "ENDPOINT_NOT_FOUND"
	codeInternal   = "INTERNAL_ERROR"
)

// statusKinds are the sentinels of statuses whose body names no code of MLflow's that has one.
var statusKinds = map[int]error{
	http.StatusBadRequest: mlruns.ErrInvalid, http.StatusUnauthorized: fs.ErrPermission, http.StatusForbidden: fs.ErrPermission, http.StatusNotFound: mlruns.ErrUnsupported,
	http.StatusMethodNotAllowed: mlruns.ErrUnsupported, http.StatusRequestTimeout: mlruns.ErrBusy, http.StatusConflict: mlruns.ErrCorrupt, http.StatusGone: mlruns.ErrUnsupported,
	http.StatusRequestEntityTooLarge: mlruns.ErrInvalid, http.StatusTooManyRequests: mlruns.ErrBusy, http.StatusNotImplemented: mlruns.ErrUnsupported,
	http.StatusBadGateway: mlruns.ErrBusy, http.StatusServiceUnavailable: mlruns.ErrBusy, http.StatusGatewayTimeout: mlruns.ErrBusy,
}

// refusal makes the error of an answer that is none of success. The server's text stays, so that
// mlruns.MessageOf gives it.
func (s *Store) refusal(c call, status int, header http.Header, body []byte) *failure.Reason {
	var shape refusalShape
	if json.Unmarshal(body, &shape) != nil || shape.Code == "" {
		return s.strangeRefusal(c, status, header, body)
	}
	kind, ok := kinds[shape.Code]
	if !ok {
		kind = statusKinds[status]
	}
	text := shape.Message
	switch {
	case strings.Contains(text, "non-active") || strings.Contains(text, "must be in the 'active'") || strings.Contains(text, "must be in 'active'"):
		kind = mlruns.ErrNotActive
	case strings.HasPrefix(text, "Cannot delete the default experiment"):
		kind = mlruns.ErrInvalid
	case strings.Contains(text, "UNIQUE constraint failed") || strings.Contains(text, "violates unique constraint"):
		kind = mlruns.ErrExists // MLflow lets the database find out that a name is taken
	case strings.Contains(text, "cannot contain NUL") || strings.Contains(text, "value too long for type"):
		kind, shape.Code = mlruns.ErrInvalid, string(mlruns.CodeInvalidParameter) // and PostgreSQL what it does not hold
	case status == http.StatusInsufficientStorage && strings.Contains(text, mlruns.ErrNotDurable.Error()):
		kind = mlruns.ErrNotDurable
	case status == http.StatusForbidden && strings.Contains(text, mlruns.ErrReadOnly.Error()):
		kind = mlruns.ErrReadOnly
	case shape.Code == codeNoEndpoint:
		text = s.noCall(c)
	case kind == nil:
		kind = errServer
	}
	r := &failure.Reason{Kind: kind, Code: shape.Code, Text: text}
	if errors.Is(kind, mlruns.ErrUnsupported) {
		r.Code = "" // FEATURE_DISABLED, as of any store
	}
	return r
}

// strangeRefusal is about an answer that is not MLflow's: a proxy's, or that of another program.
func (s *Store) strangeRefusal(c call, status int, header http.Header, body []byte) *failure.Reason {
	kind := statusKinds[status]
	if kind == nil {
		kind = errServer
	}
	text := fmt.Sprintf("%s answered %d %s", s.base, status, http.StatusText(status))
	switch {
	case status == http.StatusUnauthorized:
		text += ": set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
	case status >= 300 && status < 400:
		kind = mlruns.ErrUnsupported
		text += " and leads elsewhere; requests are not sent there by themselves. Name the server by its own URI"
		if to, err := url.Parse(header.Get("Location")); err == nil && to.Host != "" {
			text += ", perhaps one of " + to.Scheme + "://" + to.Host
		}
	case errors.Is(kind, mlruns.ErrUnsupported):
		text = s.noCall(c)
	default:
		if line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n"); line != "" && !strings.HasPrefix(line, "<") {
			text += ": " + line[:min(len(line), 200)]
		}
	}
	return &failure.Reason{Kind: kind, Text: text}
}

// noCall tells that the server has no such call.
func (s *Store) noCall(c call) string {
	if c.since != "" {
		return fmt.Sprintf("The server at %s does not have %s, which MLflow has from %s on", s.base, c.name(), c.since)
	}
	return fmt.Sprintf("There is no %s at %s: this is not the URI of an MLflow server", c.name(), s.base)
}

// bare takes the URL from an error of net/http: which server it is about is told anyway.
func bare(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}
