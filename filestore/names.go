package filestore

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"

	"github.com/google/uuid"
)

// newRunID gives 32 random hexadecimal digits, a uuid4 without dashes as in MLflow.
func newRunID() (string, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(id[:]), nil
}

// newExperimentID gives 18 random decimal digits without a leading zero, as MLflow ≥ 2.0 does.
func newExperimentID() (string, error) {
	const smallest, count = 100_000_000_000_000_000, 900_000_000_000_000_000
	n, err := rand.Int(rand.Reader, big.NewInt(count))
	if err != nil {
		return "", err
	}
	return n.Add(n, big.NewInt(smallest)).String(), nil
}

var (
	adjectives = [...]string{"amber", "ample", "brave", "brisk", "calm", "clear", "crisp", "daring", "deft", "eager", "early", "fair", "fleet", "fond",
		"gentle", "glad", "golden", "grand", "hardy", "keen", "kind", "lively", "lucid", "mellow", "merry", "mild", "neat", "nimble", "noble", "patient",
		"placid", "plucky", "polite", "proud", "quick", "quiet", "rapid", "ready", "robust", "serene", "sharp", "silent", "silver", "sleek", "smooth",
		"snug", "sound", "steady", "stoic", "sturdy", "subtle", "sunny", "swift", "tidy", "tranquil", "upbeat", "vivid", "warm", "wise", "witty"}
	nouns = [...]string{"alder", "badger", "beacon", "birch", "bison", "brook", "canyon", "cedar", "comet", "condor", "coral", "crane", "delta", "dune",
		"ember", "falcon", "fern", "finch", "fjord", "forest", "fox", "glade", "grove", "harbor", "hare", "hawk", "heron", "island", "ivy", "lark",
		"lynx", "maple", "marsh", "meadow", "mesa", "moth", "oak", "ocean", "orca", "otter", "owl", "pine", "plover", "prairie", "puffin", "quail",
		"raven", "reef", "ridge", "river", "robin", "seal", "shore", "sparrow", "spruce", "stork", "stream", "swan", "tern", "thrush", "tundra", "willow"}
)

// newRunName gives a name such as "brave-otter-421", of at most 20 characters, in MLflow's form
// with words of our own.
func newRunName() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(len(adjectives)*len(nouns)*1000)))
	if err != nil {
		return "", err
	}
	i := int(n.Int64())
	number := i % 1000
	i /= 1000
	return fmt.Sprintf("%s-%s-%d", adjectives[i%len(adjectives)], nouns[i/len(adjectives)], number), nil
}
