// Package remote is a store behind MLflow's REST interface: a real MLflow server, mlruns serve, or
// one that is compatible. The same program runs on it as on a folder.
//
//	store, err := remote.Open(ctx, "https://mlflow.example.com")
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	client := mlruns.NewClient(store)
//
// Credentials, TLS and time-outs are those of MLflow's environment variables, or of options.
//
// A request is sent again only where that does no harm: reads, writes that do the same when done
// twice, and those that surely did not arrive. A run is made once, however often its request is
// sent: it is looked for by the id or tag that was sent with it. What adds something each time, a
// point above all, is not repeated when its answer is lost: the error is then
// mlruns.ErrUnconfirmed, and the history tells whether the point is there.
//
// What an older server does not have is mlruns.ErrUnsupported, and asked for once.
package remote
