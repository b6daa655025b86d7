// Package server is MLflow's REST interface over any mlruns.Store: MLflow's Python, R and Java
// clients, and its web page, work on what the store keeps.
//
//	http.ListenAndServe("127.0.0.1:5000", server.New(store))
//
// It is a translation and nothing else. What a value may be, what a call does and what its error
// says is the store's; the shapes are those of internal/wire. Each call is a row of the table in
// routes.go and a method that reads its parameters, calls the store and gives an answer.
//
// It is closed by default: see Option. Statuses are chosen so that no client waits for what will
// not change, since MLflow's clients try again for minutes after a 500.
package server
