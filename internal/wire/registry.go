package wire

import "github.com/mlruns/mlruns"

// RegisteredModel is a model of the registry.
type RegisteredModel struct {
	Name           string         `json:"name"`
	Description    string         `json:"description,omitempty"`
	Created        *Int           `json:"creation_timestamp,omitempty"`
	Updated        *Int           `json:"last_updated_timestamp,omitempty"`
	LatestVersions []ModelVersion `json:"latest_versions,omitempty"`
}

// ModelVersion is a version of a registered model.
type ModelVersion struct {
	Name          string `json:"name"`
	Version       string `json:"version"`
	Created       *Int   `json:"creation_timestamp,omitempty"`
	Updated       *Int   `json:"last_updated_timestamp,omitempty"`
	User          string `json:"user_id,omitempty"`
	Stage         string `json:"current_stage,omitempty"`
	Description   string `json:"description,omitempty"`
	Source        string `json:"source,omitempty"`
	RunID         string `json:"run_id,omitempty"`
	Status        string `json:"status,omitempty"`
	StatusMessage string `json:"status_message,omitempty"`
}

// Entity gives the model.
func (m RegisteredModel) Entity() mlruns.RegisteredModel {
	return mlruns.RegisteredModel{
		Name: m.Name, Description: m.Description, Created: m.Created.time(), Updated: m.Updated.time(), LatestVersions: ModelVersionEntities(m.LatestVersions),
	}
}

// Entity gives the version.
func (v ModelVersion) Entity() mlruns.ModelVersion {
	return mlruns.ModelVersion{
		Name: v.Name, Version: v.Version, Created: v.Created.time(), Updated: v.Updated.time(), Description: v.Description, User: v.User, Stage: v.Stage,
		Source: v.Source, RunID: v.RunID, Status: v.Status, StatusMessage: v.StatusMessage,
	}
}

// ModelVersionEntities gives the versions of a list.
func ModelVersionEntities(list []ModelVersion) []mlruns.ModelVersion {
	versions := make([]mlruns.ModelVersion, len(list))
	for i, v := range list {
		versions[i] = v.Entity()
	}
	return versions
}
