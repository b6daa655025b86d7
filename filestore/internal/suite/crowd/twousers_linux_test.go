package crowd

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

func init() {
	crowdTasks["write beside another user"] = func(t *testing.T, dir string) {
		syscall.Umask(0o022)
		s := filestoretest.Open(t, dir)
		id := os.Getenv(filestoretest.EnvID)
		for i := range 3 {
			e, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{Name: id + " " + strconv.Itoa(i)})
			if err != nil {
				t.Fatal(err)
			}
			run, err := s.CreateRun(t.Context(), mlruns.RunSpec{ExperimentID: e.ID, User: id})
			if err == nil {
				err = s.LogMetric(t.Context(), run.Info.ID, mlruns.Metric{Key: "loss", Value: 1})
			}
			if err == nil {
				err = s.SetExperimentTag(t.Context(), e.ID, "by", id)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	crowdTasks["write to an experiment of another user"] = func(t *testing.T, dir string) {
		syscall.Umask(0o022)
		s := filestoretest.Open(t, dir)
		if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ExperimentID: mlruns.DefaultExperimentID}); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a run in an experiment that is another's: %v, want %v as in MLflow", err, fs.ErrPermission)
		}
		if err := s.SetExperimentTag(t.Context(), mlruns.DefaultExperimentID, "k", "v"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a tag of an experiment that is another's: %v, want %v as in MLflow", err, fs.ErrPermission)
		}
	}
}

// users are two that have nothing in common but a group.
const (
	firstUser, secondUser = 64001, 64002
	commonGroup           = 64100
)

// sharedRoots are the folders that people make for a store of several users.
var sharedRoots = []struct {
	name          string
	mode          fs.FileMode
	group         int
	lock, private fs.FileMode // of what is this module's
}{
	{"as /tmp is, 1777", 0o777 | fs.ModeSticky, 0, 0o666, 0o777 | fs.ModeSticky},
	{"of a group, 2775", 0o775 | fs.ModeSetgid, commonGroup, 0o664, 0o775 | fs.ModeSetgid},
	{"of a group that is not inherited, 0775", 0o775, commonGroup, 0o664, 0o775},
	{"of a group and closed to others, 2770", 0o770 | fs.ModeSetgid, commonGroup, 0o664, 0o775 | fs.ModeSetgid},
}

// TestTwoUsersOfOneStore has two users with the usual umask write to one store, one after the other
// and at the same time. What MLflow makes belongs to who made it, so each writes to experiments of
// his own; what is this module's all share.
func TestTwoUsersOfOneStore(t *testing.T) {
	for _, root := range sharedRoots {
		t.Run(root.name, func(t *testing.T) {
			t.Parallel()
			u := newUsers(t, root.mode, root.group)
			u.run(t, firstUser, "write beside another user").done(t)
			u.run(t, secondUser, "write beside another user").done(t)
			var all sync.WaitGroup
			for _, user := range []uint32{firstUser, secondUser, firstUser, secondUser} {
				p := u.run(t, user, "write beside another user", "at once "+u.next())
				all.Go(func() { p.done(t) })
			}
			all.Wait()
			u.run(t, secondUser, "write to an experiment of another user").done(t)
			u.run(t, firstUser, "write beside another user", "once more").done(t)

			locks := 0
			for name, want := range map[string]fs.FileMode{
				".mlruns.lock": root.lock, ".mlruns.trash": root.private | fs.ModeDir, "0": 0o755 | fs.ModeDir | root.mode&fs.ModeSetgid, "0/meta.yaml": 0o644,
			} {
				if got := u.mode(t, name); got != want {
					t.Errorf("%s has the mode %v, want %v", name, got, want)
				}
			}
			names, err := filepath.Glob(filepath.Join(u.dir, ".mlruns.*.lock"))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				locks++
				if got := u.mode(t, filepath.Base(name)); got != root.lock {
					t.Errorf("%s has the mode %v, want %v", name, got, root.lock)
				}
			}
			if locks == 0 {
				t.Error("no lock of an experiment was made")
			}
			s := filestoretest.Open(t, u.dir)
			page, err := s.SearchExperiments(t.Context(), mlruns.ExperimentQuery{MaxResults: 1000})
			if err != nil || len(page.Experiments) != 1+3*7 {
				t.Errorf("%d experiments, %v; want %d", len(page.Experiments), err, 1+3*7)
			}
			filestoretest.NoProblems(t, s)
		})
	}
}

// users are processes that write to one store.
type users struct {
	program, dir string
	count        int
}

// newUsers makes the root of a store that nobody has written to.
func newUsers(t *testing.T, mode fs.FileMode, group int) *users {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can be two users")
	}
	top, err := os.MkdirTemp("", "mlruns-users-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	u := &users{program: filepath.Join(top, "program"), dir: filepath.Join(top, "mlruns")}
	program, err := os.ReadFile(os.Args[0])
	if err := errors.Join(err, os.Chmod(top, 0o755), os.WriteFile(u.program, program, 0o755), os.Chmod(u.program, 0o755), os.Mkdir(u.dir, 0o777), os.Chown(u.dir, 0, group), os.Chmod(u.dir, mode)); err != nil {
		t.Fatal(err)
	}
	return u
}

func (u *users) next() string {
	u.count++
	return strconv.Itoa(u.count)
}

func (u *users) mode(t *testing.T, name string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(filepath.Join(u.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

// userTask is a task that a user's process does.
type userTask struct {
	cmd *exec.Cmd
	out strings.Builder
}

func (u *users) run(t *testing.T, user uint32, task string, id ...string) *userTask {
	t.Helper()
	for try := 0; ; try++ {
		p := &userTask{cmd: exec.CommandContext(t.Context(), u.program, "-test.run=^TestTask$", "-test.count=1")}
		p.cmd.Dir = filepath.Dir(u.dir)
		p.cmd.Env = append(os.Environ(), filestoretest.EnvTask+"="+task, filestoretest.EnvDir+"="+u.dir, filestoretest.EnvID+"="+strings.Join(append([]string{strconv.Itoa(int(user))}, id...), " "), "TMPDIR=/tmp")
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user, Groups: []uint32{commonGroup}}}
		p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
		err := p.cmd.Start()
		if err == nil {
			return p
		}
		// A process that another test starts just now has the program open for writing until it is
		// another program itself.
		if !errors.Is(err, syscall.ETXTBSY) || try == 100 {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// done waits for the end of the task.
func (p *userTask) done(t *testing.T) {
	t.Helper()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("user %d: %v\n%s", p.cmd.SysProcAttr.Credential.Uid, err, p.out.String())
	}
}
