package server

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"syscall"

	"github.com/mlruns/mlruns"
)

// refusal is an error that is not the store's.
type refusal struct {
	status  int
	code    mlruns.Code
	message string
}

func (e *refusal) Error() string { return e.message }

const (
	codeBadRequest     mlruns.Code = "BAD_REQUEST"
	codeNoEndpoint     mlruns.Code = "ENDPOINT_NOT_FOUND"
	codeNotImplemented mlruns.Code = "NOT_IMPLEMENTED"
	codeUnknownCaller  mlruns.Code = "UNAUTHENTICATED"
)

// statusGone is for the log, nginx's: who asked does not wait for the answer.
const statusGone = 499

// statuses are those of the store's errors, the first that fits. MLflow's clients go by the code in
// the body; by the status they decide whether to try again, for minutes: they do on 429, 500, 502,
// 503 and 504. So these are for what another try may mend, and what MLflow answers with 500 has
// another status here.
var statuses = []struct {
	kind   error
	status int
}{
	{mlruns.ErrBusy, http.StatusServiceUnavailable},
	{mlruns.ErrClosed, http.StatusServiceUnavailable},
	// the effect stands: to do it again would do it twice
	{mlruns.ErrNotDurable, http.StatusInsufficientStorage},
	{mlruns.ErrReadOnly, http.StatusForbidden},
	{mlruns.ErrCorrupt, http.StatusConflict},
	{mlruns.ErrUnsupported, http.StatusNotImplemented},
	{mlruns.ErrNotFound, http.StatusNotFound},
	{mlruns.ErrExists, http.StatusBadRequest},
	{mlruns.ErrOutside, http.StatusBadRequest},
	{mlruns.ErrInvalid, http.StatusBadRequest},
	{fs.ErrPermission, http.StatusForbidden},
	{syscall.ENOSPC, http.StatusInsufficientStorage},
	{context.DeadlineExceeded, http.StatusServiceUnavailable},
	{context.Canceled, statusGone},
}

// statusOf gives the status of an error of the store.
func statusOf(err error) int {
	if errors.Is(err, mlruns.ErrNotActive) {
		if mlruns.CodeOf(err) == mlruns.CodeInvalidState {
			return http.StatusConflict
		}
		return http.StatusBadRequest
	}
	for _, s := range statuses {
		if errors.Is(err, s.kind) {
			return s.status
		}
	}
	return http.StatusInternalServerError
}

// errorShape is the body of an error, MLflow's.
type errorShape struct {
	Code    mlruns.Code `json:"error_code"`
	Message string      `json:"message"`
}

// refuse answers with an error.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	own := (*refusal)(nil)
	if !errors.As(err, &own) {
		own = &refusal{statusOf(err), mlruns.CodeOf(err), mlruns.MessageOf(err)}
		note(w, err)
	}
	if own.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	sendJSON(w, own.status, errorShape{own.code, own.message})
}
