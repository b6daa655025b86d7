package drive

import "slices"

// Drive is a file system and what it can promise. The zero Drive is one that nothing is known of,
// and promises nothing.
type Drive struct {
	// Kind is its name, as the mount table has it: "ext4", "nfs4", "fuse.sshfs". It is "" where
	// that is not known.
	Kind string
	// ReadOnly says that nothing can be written: the media or the mount forbids it.
	ReadOnly bool
	// Excludes says that a lock excludes all who can write there, other machines included.
	Excludes bool
	// Why says to people why Excludes is false, and what to do; "" where it is true.
	Why string
	// Local says that the file system is known and this machine's own, so that open handles may be
	// kept: a look at a name is true for all writers at once, and a write has taken effect, or
	// failed, before its file is closed.
	Local bool
	// Served says that the files are those of a server, whose locks exclude all, and that a look at
	// a file can be made to ask the server: open handles may be kept by who asks before they are
	// believed.
	Served bool
	// Asked says that the files are those of a server, that opening one asks it, as does a look
	// that is made to, and that the times of change it tells are its own: no client sets them.
	Asked bool
	// Cached says that a read gives all there is at once, from memory, as the page cache does.
	Cached bool
}

// Memory is the file system of files that no other process can see.
func Memory() Drive { return Drive{Kind: "memory", Excludes: true} }

// InMemory reports whether d is Memory, where no file has a path of the operating system.
func (d Drive) InMemory() bool { return d.Kind == Memory().Kind }

// seen is what the system says of a file system.
type seen struct {
	kind    string
	options []string // as mount(8) prints them
	partial bool     // the options that decide about locks are not among them
}

// With is d with other drives that things of the directory lie on, each at a place that is named: a
// lock excludes all where it does on every one of them.
func (d Drive) With(place string, other Drive) Drive {
	if d.Excludes && !other.Excludes {
		d.Excludes, d.Why = false, place+" is on another drive: "+other.Why
	}
	return d
}

const oneMachine = "let one machine at a time write"

// judge is the judgement.
func judge(s seen) Drive {
	d := Drive{Kind: s.kind, ReadOnly: slices.Contains(s.options, "ro"), Local: keeps[s.kind], Cached: keeps[s.kind] && s.kind != "overlay"}
	d.Why = weakness(s)
	d.Excludes = d.Why == ""
	d.Served = d.Excludes && isNFS(s.kind)
	d.Asked = isNFS(s.kind) && !s.partial && !slices.Contains(s.options, "nocto") && !slices.Contains(s.options, "fsc")
	return d
}
