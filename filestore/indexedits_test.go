package filestore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// runFolders are the folders of all runs, damaged ones among them.
func runFolders(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "[07]", "????????????????????????????????"))
	if err != nil || len(found) == 0 {
		t.Fatalf("%d runs, %v", len(found), err)
	}
	return found
}

// files are the regular files below a folder.
func filesBelow(dir string) (list []string) {
	_ = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			list = append(list, name)
		}
		return nil
	})
	return list
}

// edit is one change of a store by something else than this module.
type edit struct {
	name    string
	do      func(t *testing.T, rng *rand.Rand, run, outside string) error
	perhaps bool // not every machine can do it, or only seldom
}

// rewrite writes over a file in place, as MLflow does, and gives it back its time if kept says so.
func rewrite(name, text string, kept bool) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil || !kept {
		return err
	}
	return os.Chtimes(name, info.ModTime(), info.ModTime())
}

// flip gives a text of the same length that differs.
func flip(data []byte, rng *rand.Rand) string {
	out := slices.Clone(data)
	for i, c := range out {
		if c >= '0' && c <= '8' && rng.IntN(2) == 0 {
			out[i]++
		}
	}
	return string(out)
}

func anyFile(rng *rand.Rand, run string) string {
	list := filesBelow(run)
	if len(list) == 0 {
		return filepath.Join(run, "meta.yaml")
	}
	return list[rng.IntN(len(list))]
}

// edits are the hard cases, and easy ones.
var edits = slices.Concat(valueEdits, inputEdits, datasetEdits)

var valueEdits = []edit{
	{name: "in place, same length", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		name := anyFile(rng, run)
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return rewrite(name, flip(data, rng), false)
	}},
	{name: "in place, same length and time", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		name := anyFile(rng, run)
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return rewrite(name, flip(data, rng), true)
	}},
	{name: "renamed over, same length and time, as rsync -t does", do: func(_ *testing.T, rng *rand.Rand, run, outside string) error {
		name := anyFile(rng, run)
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		tmp := filepath.Join(outside, "tmp")
		if err := os.WriteFile(tmp, []byte(flip(data, rng)), 0o666); err != nil {
			return err
		}
		if err := os.Chtimes(tmp, info.ModTime(), info.ModTime()); err != nil {
			return err
		}
		return os.Rename(tmp, name)
	}},
	{name: "touch -d", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		at := time.Unix(rng.Int64N(1e9), 0)
		return os.Chtimes(anyFile(rng, run), at, at)
	}},
	{name: "a point appended", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return appendText(filepath.Join(run, "metrics", fmt.Sprint("m", rng.IntN(3))), fmt.Sprintf("9 %d %d\n", rng.IntN(9), rng.IntN(9)))
	}},
	{name: "a value set", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return place(filepath.Join(run, "params", fmt.Sprint("p", rng.IntN(4))), pick(rng, someTexts))
	}},
	{name: "a tag with slashes set", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return place(filepath.Join(run, "tags", "t", fmt.Sprint(rng.IntN(4))), pick(rng, someTexts))
	}},
	{name: "a file removed", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error { return os.Remove(anyFile(rng, run)) }},
	{name: "two files swapped", do: func(_ *testing.T, rng *rand.Rand, run, outside string) error {
		return swap(anyFile(rng, run), anyFile(rng, run), outside)
	}},
	{name: "a link in place of a folder", do: func(_ *testing.T, rng *rand.Rand, run, outside string) error {
		return moveBehindLink(filepath.Join(run, pick(rng, []string{"metrics", "params", "tags", "tags/t", "inputs", "outputs"})), outside, rng)
	}},
	{name: "a link in place of a run", do: func(_ *testing.T, rng *rand.Rand, run, outside string) error {
		return moveBehindLink(run, outside, rng)
	}},
	{name: "a link in place of a file", do: func(_ *testing.T, rng *rand.Rand, run, outside string) error {
		return moveBehindLink(anyFile(rng, run), outside, rng)
	}},
	{name: "two runs swapped", do: func(t *testing.T, rng *rand.Rand, run, outside string) error {
		return swap(run, pick(rng, runFolders(t, filepath.Dir(filepath.Dir(run)))), outside)
	}},
	{name: "files copied over, with their times, as cp -a does", do: func(t *testing.T, rng *rand.Rand, run, _ string) error {
		return copyOver(pick(rng, runFolders(t, filepath.Dir(filepath.Dir(run)))), run)
	}},
	{name: "damaged", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return rewrite(anyFile(rng, run), pick(rng, []string{"\xff", "", "7 0.", "1 2 3 4\n"}), true)
	}},
	{name: "status and name in place", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return metaEdit(run, rng)
	}},
	{name: "a run removed", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		if rng.IntN(4) > 0 {
			return nil
		}
		return os.RemoveAll(run)
	}},
	{name: "a run made", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		var err error
		randomRun(rng, filepath.Base(filepath.Dir(run)), func(name, text string) {
			if e := place(filepath.Join(filepath.Dir(filepath.Dir(run)), name), text); e != nil {
				err = e
			}
		})
		return err
	}},
	{name: "a foreign file", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return place(filepath.Join(run, pick(rng, []string{"metrics", "params", "tags/t", "inputs"}), ".DS_Store"), "x")
	}},
	{name: "a hard link", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return os.Link(anyFile(rng, run), filepath.Join(run, "params", fmt.Sprint("p", rng.IntN(4))))
	}},
	{name: "removed and made anew, same length and time, perhaps with the same inode", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		name := anyFile(rng, run)
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := errors.Join(os.Remove(name), os.WriteFile(name, []byte(flip(data, rng)), 0o666)); err != nil {
			return err
		}
		return os.Chtimes(name, info.ModTime(), info.ModTime())
	}},
	{name: "in place twice within a tick", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		name := filepath.Join(run, "params", fmt.Sprint("p", rng.IntN(3)))
		return errors.Join(rewrite(name, "0.1", false), rewrite(name, "0.2", true))
	}},
	{name: "cp -a of a whole store over it", perhaps: true, do: func(_ *testing.T, _ *rand.Rand, run, outside string) error {
		return exec.Command("cp", "-a", filepath.Join(outside, "other")+"/.", storeOf(run)).Run()
	}},
	{name: "rsync -a of a whole store over it", perhaps: true, do: func(_ *testing.T, rng *rand.Rand, run, outside string) error {
		args := pick(rng, [][]string{{"-a"}, {"-a", "--delete"}, {"-a", "--inplace"}, {"-rt", "--checksum"}})
		return exec.Command("rsync", append(args, filepath.Join(outside, "other")+"/", storeOf(run))...).Run()
	}},
	{name: "a backup taken", do: func(_ *testing.T, _ *rand.Rand, run, outside string) error {
		return exec.Command("tar", "-cf", filepath.Join(outside, "backup.tar"), "-C", storeOf(run), ".").Run()
	}, perhaps: true},
	{name: "a backup restored", do: func(_ *testing.T, _ *rand.Rand, run, outside string) error {
		return exec.Command("tar", "-xpf", filepath.Join(outside, "backup.tar"), "-C", storeOf(run)).Run()
	}, perhaps: true},
	{name: "the store moved away and back", do: func(_ *testing.T, _ *rand.Rand, run, outside string) error {
		away := filepath.Join(outside, "away")
		return errors.Join(os.Rename(storeOf(run), away), os.Rename(away, storeOf(run)))
	}},
	{name: "an experiment renamed in place", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		id := filepath.Base(filepath.Dir(run))
		return rewrite(filepath.Join(filepath.Dir(run), "meta.yaml"), fmt.Sprintf("artifact_location: /x/%s\nexperiment_id: '%s'\nlifecycle_stage: active\nname: %s\n",
			id, id, pick(rng, []string{"Default", "seven", "x", "y"})), rng.IntN(2) == 0)
	}},
	{name: "an experiment deleted or restored, as MLflow does", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		if rng.IntN(3) > 0 {
			return nil
		}
		dir, id := storeOf(run), "7"
		from, to, stage := filepath.Join(dir, id), filepath.Join(dir, ".trash", id), "deleted"
		if _, err := os.Lstat(to); err == nil {
			from, to, stage = to, from, "active"
		}
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, ".trash"), 0o777), os.Rename(from, to)); err != nil {
			return err
		}
		return rewrite(filepath.Join(to, "meta.yaml"), "artifact_location: /x/7\nexperiment_id: '7'\nlifecycle_stage: "+stage+"\nname: seven\n", false)
	}},
	{name: "a run moved to the other experiment", do: func(_ *testing.T, _ *rand.Rand, run, _ string) error {
		other := map[string]string{"0": "7", "7": "0"}[filepath.Base(filepath.Dir(run))]
		return os.Rename(run, filepath.Join(storeOf(run), other, filepath.Base(run)))
	}},
	{name: "the rights of a file taken and given back", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		name := anyFile(rng, run)
		return errors.Join(os.Chmod(name, 0), os.Chmod(name, 0o666))
	}},
}

// storeOf is the directory of the store that a run is in.
func storeOf(run string) string { return filepath.Dir(filepath.Dir(run)) }

func appendText(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// place writes a file of old age, so that a reader need not wait for its writer.
func place(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		return err
	}
	return os.Chtimes(name, old, old)
}

func swap(a, b, outside string) error {
	if a == b {
		return nil
	}
	tmp := filepath.Join(outside, "swap")
	if err := os.Rename(a, tmp); err != nil {
		return err
	}
	if err := os.Rename(b, a); err != nil {
		return errors.Join(err, os.Rename(tmp, a))
	}
	return os.Rename(tmp, b)
}

func moveBehindLink(name, outside string, rng *rand.Rand) error {
	to := filepath.Join(outside, fmt.Sprintf("%x", rng.Uint64()))
	if err := os.Rename(name, to); err != nil {
		return err
	}
	return os.Symlink(to, name)
}

func copyOver(from, to string) error {
	for _, name := range filesBelow(from) {
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if rel == "meta.yaml" {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		at := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(at), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(at, data, 0o666); err != nil {
			return err
		}
		if err := os.Chtimes(at, info.ModTime(), info.ModTime()); err != nil {
			return err
		}
	}
	return nil
}

func metaEdit(run string, rng *rand.Rand) error {
	name := filepath.Join(run, "meta.yaml")
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	text := string(data)
	i := len(text) - len("1\nuser_id: ann\n")
	if i < 100 {
		return errors.New("damaged")
	}
	text = text[:i] + fmt.Sprint(1+rng.IntN(5)) + text[i+1:]
	return rewrite(name, text, rng.IntN(2) == 0)
}
