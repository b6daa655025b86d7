// Package interop tests the library beside the real MLflow, both on the same directories. It holds
// tests only, behind the build tag interop, because they need Python: make interop installs the
// versions of MLflow that pins/ names and runs them.
//
// The Python side is python/driver.py, one process for each version, which answers requests.
// pins/server.txt is all that the newest "mlflow server" needs. pins/3.x.txt names the newest
// MLflow there was: to move on, change the number there and in
// 3.x.nodeps.txt, run make interop, and write down in docs/compat.md what differs. bench/ is make
// bench-mlflow. golden.sh makes testdata/models with python/golden.
package interop
