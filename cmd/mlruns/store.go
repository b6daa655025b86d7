package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

func (a *app) storeNoun() *cobra.Command {
	noun := &cobra.Command{Use: "store", Short: "Look at the store itself, check it and keep it in order"}
	return a.group(noun, a.storeInfo(), a.verifyStore(), a.repairStore(), a.gcStore(), a.relocateStore(), a.indexStore())
}

// storeShape is what "store info --json" prints as "store".
type storeShape struct {
	Dir             string `json:"dir"`
	URI             string `json:"uri"`
	From            string `json:"from"`
	FileSystem      string `json:"file_system,omitempty"`
	ReadOnlyMedia   bool   `json:"read_only_media"`
	LocksMayBeLocal bool   `json:"locks_may_be_local"`
	LockWarning     string `json:"lock_warning,omitempty"`
	Active          int    `json:"active_experiments"`
	Deleted         int    `json:"deleted_experiments"`
	Runs            int    `json:"runs"`

	Index indexShape `json:"index"`
}

// infoShape is what "store info --json" prints.
type infoShape struct {
	Store    storeShape       `json:"store"`
	Problems []mlruns.Problem `json:"problems,omitempty"`
}

func (a *app) storeInfo() *cobra.Command {
	return a.verb("info", "Say which store is used, where it lies and what is in it", noArgs, a.reading(onFolder(func(ctx context.Context, s *session, _ []string) error {
		info, err := s.info(ctx)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(infoShape{storeShape{
				Dir: info.Dir, URI: info.URI, From: s.place.from, FileSystem: info.FileSystem, ReadOnlyMedia: info.ReadOnlyMedia,
				LocksMayBeLocal: info.LocksMayBeLocal, LockWarning: info.LockWarning,
				Active: info.Active, Deleted: info.Deleted, Runs: info.Runs,
				Index: shapeOfIndex(s.store.IndexInfo()),
			}, info.Problems})
		}
		on, locks := describeDrive(info.Drive)
		a.fields("Store", []field{
			{"directory", info.Dir}, {"uri", info.URI}, {"found by", s.place.from}, {"file system", on}, {"locks", locks},
			{"experiments", fmt.Sprintf("%d active, %d deleted", info.Active, info.Deleted)}, {"runs", strconv.Itoa(info.Runs)},
			{"index", describeIndex(s.store.IndexInfo())},
		})
		a.warn(info.Problems)
		return nil
	})))
}

// describeDrive says what a store lies on and whom locks exclude there.
func describeDrive(d filestore.Drive) (on, locks string) {
	on, locks = orDash(d.FileSystem), "exclude all who write here"
	if d.ReadOnlyMedia {
		on += ", read-only: nothing can be written here"
	}
	if d.LocksMayBeLocal {
		locks = "may not exclude all who write here: " + d.LockWarning
	}
	return on, locks
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
