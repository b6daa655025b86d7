package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
)

func (a *app) storeNoun() *cobra.Command {
	noun := &cobra.Command{Use: "store", Short: "Look at the store itself, check it and keep it in order"}
	return a.group(noun, a.storeInfo(), a.verifyStore(), a.repairStore(), a.gcStore(), a.relocateStore())
}

// storeShape is what "store info --json" prints as "store".
type storeShape struct {
	Dir             string `json:"dir"`
	URI             string `json:"uri"`
	From            string `json:"from"`
	FileSystem      string `json:"file_system,omitempty"`
	LocksMayBeLocal bool   `json:"locks_may_be_local"`
	Active          int    `json:"active_experiments"`
	Deleted         int    `json:"deleted_experiments"`
	Runs            int    `json:"runs"`
}

func (a *app) storeInfo() *cobra.Command {
	return a.verb("info", "Say which store is used, where it lies and what is in it", cobra.NoArgs, a.reading(func(ctx context.Context, s *session, _ []string) error {
		info, err := s.store.Info(ctx)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(map[string]storeShape{"store": {
				Dir: info.Dir, URI: info.URI, From: s.place.from, FileSystem: info.FileSystem, LocksMayBeLocal: info.LocksMayBeLocal,
				Active: info.Active, Deleted: info.Deleted, Runs: info.Runs,
			}})
		}
		locks := "across processes"
		if info.LocksMayBeLocal {
			locks = "perhaps of this machine only: write from one machine at a time"
		}
		a.fields("Store", []field{
			{"directory", info.Dir}, {"uri", info.URI}, {"found by", s.place.from}, {"file system", orDash(info.FileSystem)}, {"locks", locks},
			{"experiments", fmt.Sprintf("%d active, %d deleted", info.Active, info.Deleted)}, {"runs", strconv.Itoa(info.Runs)},
		})
		return nil
	}))
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
