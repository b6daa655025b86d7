package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// foundPage is a build of MLflow's web page.
type foundPage struct{ dir, version string }

// buildOf is where the build is in the package mlflow.
var buildOf = filepath.Join("server", "js", "build")

// findPage finds the page that --ui names. No program of the environment is run: a folder on the
// way may be a stranger's.
func findPage(ui string) (foundPage, error) {
	switch ui {
	case "none":
		return foundPage{}, nil
	case "auto":
		for _, prefix := range environments() {
			if page := pageIn(prefix); page.dir != "" {
				return page, nil
			}
		}
		return foundPage{}, nil
	}
	if page := pageIn(ui); page.dir != "" {
		return page, nil
	}
	return foundPage{}, &usageError{fmt.Sprintf("--ui %s: there is no web page of mlflow; want auto, none, or the folder mlflow%c%s of an installed mlflow, or that of its environment", ui, filepath.Separator, buildOf)}
}

// environments are the folders in which an installed mlflow is looked for: those of the environment
// that is active, of the commands in PATH, and of the user.
func environments() (prefixes []string) {
	prefixes = []string{os.Getenv("VIRTUAL_ENV"), os.Getenv("CONDA_PREFIX")}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		for _, name := range []string{"mlflow", "mlflow.exe"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				prefixes = append(prefixes, filepath.Dir(dir))
			}
		}
	}
	if home, err := os.UserHomeDir(); err == nil {
		prefixes = append(prefixes, filepath.Join(home, ".local"))
	}
	absolute := prefixes[:0]
	for _, prefix := range prefixes {
		if filepath.IsAbs(prefix) { // what is relative is the current folder's, whoever that is
			absolute = append(absolute, prefix)
		}
	}
	return absolute
}

// pageIn finds a page in an environment, in a folder of packages, in the package, or right there.
func pageIn(dir string) foundPage {
	for _, pattern := range []string{"", buildOf, filepath.Join("mlflow", buildOf), filepath.Join("lib", "python3*", "site-packages", "mlflow", buildOf), filepath.Join("Lib", "site-packages", "mlflow", buildOf)} {
		found, err := filepath.Glob(filepath.Join(escapeGlob(dir), pattern, "index.html"))
		if err != nil {
			continue
		}
		for _, index := range found {
			build := filepath.Dir(index)
			if info, err := os.Stat(filepath.Join(build, "static")); err == nil && info.IsDir() {
				return foundPage{build, packageVersion(build)}
			}
		}
	}
	return foundPage{}
}

// escapeGlob has a folder's name stand for itself.
func escapeGlob(dir string) string {
	if filepath.Separator == '\\' {
		return dir // where nothing can be escaped
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

// packageVersion is told by the folder beside the package, "" if there is none.
func packageVersion(build string) string {
	packages := filepath.Join(build, "..", "..", "..", "..")
	found, err := filepath.Glob(filepath.Join(escapeGlob(packages), "mlflow-*.dist-info"))
	if err != nil || len(found) == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(found[0]), "mlflow-"), ".dist-info")
}
