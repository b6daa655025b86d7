package server

import (
	"net/http"
	"strings"
)

// What the server says of itself.

// clientVersion is the MLflow version that clients are to take this server for. From 3.4 on they
// would send traces in a form of OpenTelemetry's.
const clientVersion = "3.3.2"

func (s *server) health(w http.ResponseWriter, _ *http.Request, _ string) {
	sendText(w, "text/plain; charset=utf-8", "OK")
}

// version is read by clients as a Python version.
func (s *server) version(w http.ResponseWriter, _ *http.Request, _ string) {
	sendText(w, "text/plain; charset=utf-8", clientVersion+"+mlruns."+localVersion(s.options.version))
}

// localVersion makes what Python takes after the plus of a version: letters and digits, joined by
// dots.
func localVersion(version string) string {
	fields := strings.FieldsFunc(strings.ToLower(strings.TrimPrefix(version, "v")), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	if len(fields) == 0 {
		return "dev"
	}
	return strings.Join(fields, ".")
}

// serverInfo is what server-info answers. Clients of MLflow read what they know; "mlruns" is ours.
type serverInfo struct {
	StoreType          string          `json:"store_type"`
	Workspaces         bool            `json:"workspaces_enabled"`
	TraceArchival      bool            `json:"trace_archival_enabled"`
	MultipartUploads   bool            `json:"multipart_uploads_enabled"`
	MultipartDownloads bool            `json:"multipart_downloads_enabled"`
	PresignedRuns      bool            `json:"presigned_upload_run_id_supported"`
	PresignedModels    bool            `json:"presigned_upload_model_id_supported"`
	Features           map[string]bool `json:"features_enabled"`
	Mlruns             extensions      `json:"mlruns"`
}

// extensions are what this server takes beyond MLflow's interface.
type extensions struct {
	Version string `json:"version"`
	// RunID says that runs/create makes the run of the id it is given.
	RunID bool `json:"run_id"`
	// IDs says the same of experiments and logged models.
	IDs bool `json:"ids"`
	// ModelViews says that logged-models/search finds deleted models, by view_type.
	ModelViews bool `json:"model_views"`
	// Traces says that a trace can be started whose spans do not come.
	Traces bool `json:"traces_without_spans"`
	// Columns says that runs/search answers with columns where the request has "columns".
	Columns bool `json:"run_columns"`
	// WholeTraces says that a trace, and what is added to one, is kept as it is where as_it_is is
	// set: the ids, times and validity of assessments too.
	WholeTraces bool `json:"traces_as_they_are"`
}

func (s *server) serverInfo(*call) (any, error) {
	return serverInfo{StoreType: "FileStore", Features: map[string]bool{"gateway": false}, Mlruns: extensions{
		Version: s.options.version, RunID: true, IDs: true, ModelViews: s.models != nil, Traces: s.traces != nil, Columns: true, WholeTraces: s.importer != nil,
	}}, nil
}

// telemetry tells the page to send nothing to anyone.
type telemetry struct {
	Disabled bool     `json:"disable_ui_telemetry"`
	Events   []string `json:"disable_ui_events"`
	Rollout  int      `json:"ui_rollout_percentage"`
}

func (s *server) uiTelemetry(*call) (any, error) {
	return telemetry{Disabled: true, Events: []string{}}, nil
}
