package records

import "regexp"

// Fate is what becomes of a file whose name has a foreign form.
type Fate uint8

const (
	// Junk is nobody's record. A repair moves it out of the records.
	Junk Fate = iota
	// UnderWay is a copy or a save that is under way, or was interrupted. A repair moves it once it
	// has not changed for an hour.
	UnderWay
	// InUse stands for something that its program still has, and takes away itself. A repair leaves
	// it.
	InUse
	// Copied is put beside a file or folder that two machines have changed. Where the form has
	// groups, they are the name of the original.
	Copied
	// Doubtful could be a key, and is one. Only Verify and Repair name it, and a repair changes
	// nothing in it.
	Doubtful
	// DoubtfulCopy is doubtful, where the original that its groups name stands beside it. Alone it
	// is a key like any other.
	DoubtfulCopy
)

// Form is a form of the names that a kind of program leaves, or has for a while, in any
// folder.
type Form struct {
	Tool    string
	Example string
	Fate    Fate
	holds   string         // a text that every such name holds
	Pattern *regexp.Regexp // nil: the example is the only such name
	// how many of digits, small and capital letters are among the last six characters, at least
	random int
}

// ForeignForms are all of them. The first that fits counts. layout.md has the same table.
//
// A form hides a key only if no person would choose such a name for one: it has a character that no
// key has, or a leading dot and a program's mark, or digits that nobody types. Everything else is
// doubtful.
var ForeignForms = []Form{
	{Tool: "macOS", Example: ".DS_Store"},
	{Tool: "macOS", Example: ".Trashes"},
	{Tool: "macOS", Example: ".Spotlight-V100"},
	{Tool: "macOS", Example: ".TemporaryItems"},
	{Tool: "macOS", Example: ".fseventsd"},
	{Tool: "macOS", Example: ".apdisk"},
	{Tool: "macOS, a file being saved", Example: "loss.sb-1a2b3c4d-AbC123", Fate: UnderWay, holds: ".sb-", Pattern: regexp.MustCompile(`.\.sb-[0-9a-f]{8}-[0-9A-Za-z]{6}$`)},
	{Tool: "Windows", Example: "Thumbs.db"},
	{Tool: "Windows", Example: "ehthumbs.db"},
	{Tool: "Windows", Example: "desktop.ini"},
	{Tool: "Windows", Example: "System Volume Information"},
	{Tool: "Windows", Example: "$RECYCLE.BIN"},
	{Tool: "KDE", Example: ".directory"},
	{Tool: "Linux desktops", Example: ".Trash-1000", holds: ".Trash-", Pattern: regexp.MustCompile(`^\.Trash-\d+$`)},
	{Tool: "fsck", Example: "lost+found"},
	{Tool: "Synology", Example: "@eaDir"},
	{Tool: "Jupyter", Example: ".ipynb_checkpoints"},
	{Tool: "Python", Example: "__pycache__"},
	{Tool: "git", Example: ".git"},
	{Tool: "git", Example: ".gitignore"},
	{Tool: "git", Example: ".gitkeep"},
	{Tool: "git", Example: ".gitattributes"},
	{Tool: "git", Example: ".gitmodules"},
	{Tool: "DVC", Example: ".dvc"},
	{Tool: "DVC", Example: ".dvcignore"},
	{Tool: "Subversion", Example: ".svn"},
	{Tool: "Mercurial", Example: ".hg"},

	{Tool: "NFS, a removed file that is open", Example: ".nfs000000000012", Fate: InUse, holds: ".nfs", Pattern: regexp.MustCompile(`^\.nfs[.0-9A-Fa-f]*[0-9][.0-9A-Fa-f]*$`)},
	{Tool: "SMB, a removed file that is open", Example: ".smbdeleteAAA1b2c3d4", Fate: InUse, holds: ".smb", Pattern: regexp.MustCompile(`^\.(?:__)?smb(?:delete.*|[0-9A-F]*[0-9][0-9A-Fa-f]*)$`)},
	{Tool: "AFS, a removed file that is open", Example: ".__afs1B2C", Fate: InUse, holds: ".__afs", Pattern: regexp.MustCompile(`^\.__afs[0-9A-F]+$`)},
	{Tool: "FUSE, a removed file that is open", Example: ".fuse_hidden0000000400000001", Fate: InUse, holds: ".fuse_hidden", Pattern: regexp.MustCompile(`^\.fuse_hidden[0-9a-f]+$`)},
	{Tool: "macOS", Example: "._loss", holds: "._", Pattern: regexp.MustCompile(`^\._.`)},
	{Tool: "iCloud, a file that is not on this machine", Example: ".loss.icloud", Fate: InUse, holds: ".icloud", Pattern: regexp.MustCompile(`^\..+\.icloud$`)},
	{Tool: "LibreOffice, a lock", Example: ".~lock.loss#", Fate: InUse, holds: ".~lock.", Pattern: regexp.MustCompile(`^\.~lock\.`)},
	{Tool: "Emacs, a lock", Example: ".#loss", Fate: InUse, holds: ".#", Pattern: regexp.MustCompile(`^\.#`)},
	{Tool: "Emacs", Example: "#loss#", Fate: InUse, holds: "#", Pattern: regexp.MustCompile(`^#.*#$`)},
	{Tool: "vim, nano", Example: ".loss.swp", Fate: InUse, holds: ".sw", Pattern: regexp.MustCompile(`^\..+\.sw[a-p]$`)},
	{Tool: "Kate", Example: ".loss.kate-swp", Fate: InUse, holds: ".kate-swp", Pattern: regexp.MustCompile(`^\..+\.kate-swp$`)},
	{Tool: "Syncthing", Example: ".stfolder"},
	{Tool: "Syncthing", Example: ".stignore"},
	{Tool: "Syncthing", Example: ".stversions"},
	{Tool: "Syncthing", Example: ".syncthing.loss.tmp", Fate: InUse, holds: ".syncthing.", Pattern: regexp.MustCompile(`^\.syncthing\.`)},
	{Tool: "Syncthing", Example: "~syncthing~loss.tmp", Fate: InUse, holds: "~syncthing~", Pattern: regexp.MustCompile(`^~syncthing~`)},

	{Tool: "rsync", Example: ".rsync-partial"},
	{Tool: "rsync", Example: ".~tmp~"},
	{Tool: "rsync", Example: ".loss.a1B2c3", Fate: UnderWay, holds: ".", Pattern: regexp.MustCompile(`^\..+\.[0-9A-Za-z]{6}$`), random: 3},
	{Tool: "rsync", Example: ".loss.a1b2c3", Fate: Doubtful, holds: ".", Pattern: regexp.MustCompile(`^\..+\.[0-9A-Za-z]{6}$`), random: 2},
	{Tool: "rclone", Example: "loss.1a2b3c4d.partial", Fate: UnderWay, holds: ".partial", Pattern: regexp.MustCompile(`.\.[0-9a-f]{8}\.partial$`)},
	{Tool: "Unison", Example: ".unison.loss.1a2b3c.unison.tmp", Fate: UnderWay, holds: ".unison.tmp", Pattern: regexp.MustCompile(`^\.unison\..*\.unison\.tmp$`)},
	{Tool: "Mutagen", Example: ".mutagen-temporary-1a2b3c", Fate: UnderWay, holds: ".mutagen-temporary-", Pattern: regexp.MustCompile(`^\.mutagen-temporary-`)},
	{Tool: "GIO", Example: ".goutputstream-A1B2C3", Fate: UnderWay, holds: ".goutputstream-", Pattern: regexp.MustCompile(`^\.goutputstream-[0-9A-Za-z]{6}$`)},
	{Tool: "Nextcloud, ownCloud", Example: ".loss.~1a2b3c4d", Fate: UnderWay, holds: ".~", Pattern: regexp.MustCompile(`^\..+\.~[0-9a-f]+$`)},
	{Tool: "Nextcloud", Example: ".nextcloudsync.log"},
	{Tool: "ownCloud", Example: ".owncloudsync.log"},
	{Tool: "Nextcloud, ownCloud", Example: ".sync_1a2b3c4d.db", Fate: InUse, holds: ".sync_", Pattern: regexp.MustCompile(`^\.sync_[0-9a-f]+\.db`)},
	{Tool: "Dropbox", Example: ".dropbox"},
	{Tool: "Dropbox", Example: ".dropbox.attr"},
	{Tool: "Dropbox", Example: ".dropbox.cache"},
	{Tool: "Google Drive", Example: ".tmp.driveupload"},
	{Tool: "Google Drive", Example: ".tmp.drivedownload"},
	{Tool: "OneDrive, Office", Example: "~$loss", Fate: InUse, holds: "~$", Pattern: regexp.MustCompile(`^~\$`)},
	{Tool: "Chrome", Example: "loss.crdownload", Fate: UnderWay, holds: ".crdownload", Pattern: regexp.MustCompile(`.\.crdownload$`)},
	{Tool: "Opera", Example: "loss.opdownload", Fate: UnderWay, holds: ".opdownload", Pattern: regexp.MustCompile(`.\.opdownload$`)},
	{Tool: "JetBrains", Example: "loss___jb_tmp___", Fate: UnderWay, holds: "___jb_", Pattern: regexp.MustCompile(`.___jb_(?:tmp|old)___$`)},
	{Tool: "vim, Emacs, patch, rsync", Example: "loss~", holds: "~", Pattern: regexp.MustCompile(`[^~]~$`)},

	{Tool: "Nextcloud, two names that differ in case", Example: "Loss (case clash from bob 2026-11-27 120000)", Fate: Copied, holds: " (case clash", Pattern: regexp.MustCompile(` \(case clash[^()]*\)`)},
	{Tool: "Dropbox, two names that differ in case", Example: "Loss (Case Conflict)", Fate: Copied, holds: "Case Conflict", Pattern: regexp.MustCompile(` \([^()]*Case Conflict[^()]*\)`)},
	{Tool: "Dropbox, Nextcloud", Example: "loss (conflicted copy 2026-11-27)", Fate: Copied, holds: "onfli", Pattern: inParens},
	{Tool: "Dropbox", Example: "loss (Bob's conflicted copy 2026-11-27)", Fate: Copied, holds: "onfli", Pattern: inParens},
	{Tool: "Dropbox, in another language", Example: "loss (Kopie von Bob in Konflikt 2026-11-27)", Fate: Copied, holds: "onfli", Pattern: inParens},
	{Tool: "Unison", Example: "loss (conflict_on_2026-11-27)", Fate: Copied, holds: "onfli", Pattern: inParens},
	{Tool: "Seafile", Example: "loss (SFConflict bob@example.org 2026-11-27-12-00-00)", Fate: Copied, holds: "onfli", Pattern: inParens},
	{Tool: "Google Drive, and copies made by hand", Example: "loss (1)", Fate: Copied, holds: " (", Pattern: regexp.MustCompile(`^(.+?) \(\d+\)(\.[^.]*)?$`)},
	{Tool: "Google Drive", Example: "loss [Conflict]", Fate: Copied, holds: "[Conflict", Pattern: regexp.MustCompile(`^(.+?) ?\[Conflict[^]]*\](\.[^.]*)?$`)},
	{Tool: "Google Drive", Example: "loss_conf(1)", Fate: Copied, holds: "_conf(", Pattern: regexp.MustCompile(`^(.+?)_conf\(\d+\)(\.[^.]*)?$`)},
	{Tool: "Syncthing", Example: "loss.sync-conflict-20261127-120000-ABCDEFG", Fate: Copied, holds: ".sync-conflict-",
		Pattern: regexp.MustCompile(`^(.+)\.sync-conflict-\d{8}-\d{6}(?:-[A-Z0-9]{7})?(\.[^.]*)?$`)},
	{Tool: "Syncthing", Example: "loss.sync-conflict-1", Fate: Copied, holds: ".sync-conflict-", Pattern: regexp.MustCompile(`\.sync-conflict-`)},
	{Tool: "ownCloud", Example: "loss_conflict-20261127-120000", Fate: Copied, holds: "_conflict-", Pattern: regexp.MustCompile(`^(.+)_conflict-(?:[^.]+-)?\d{8}-\d{6}(\.[^.]*)?$`)},
	{Tool: "Synology Drive", Example: "loss_HOST_Nov-27-120000-2026_Conflict", Fate: Copied, holds: "_Conflict",
		Pattern: regexp.MustCompile(`^(.+?)_[^_]+_[A-Z][a-z]{2}-\d{2}-\d{6}-\d{4}_Conflict(\.[^.]*)?$`)},
	{Tool: "Dropbox", Example: "loss conflicted copy", Fate: Copied, holds: "conflicted copy", Pattern: regexp.MustCompile(`conflicted copy`)},

	{Tool: "sed", Example: "sedAbC123", Fate: Doubtful, holds: "sed", Pattern: regexp.MustCompile(`^sed[0-9A-Za-z]{6}$`), random: 2},
	{Tool: "Firefox, KDE", Example: "loss.part", Fate: Doubtful, holds: ".part", Pattern: regexp.MustCompile(`.\.part$`)},
	{Tool: "Edge, rsync, rclone", Example: "loss.partial", Fate: Doubtful, holds: ".partial", Pattern: regexp.MustCompile(`.\.partial$`)},
	{Tool: "WinSCP", Example: "loss.filepart", Fate: Doubtful, holds: ".filepart", Pattern: regexp.MustCompile(`.\.filepart$`)},
	{Tool: "Safari", Example: "loss.download", Fate: Doubtful, holds: ".download", Pattern: regexp.MustCompile(`.\.download$`)},
	{Tool: "aria2", Example: "loss.aria2", Fate: Doubtful, holds: ".aria2", Pattern: regexp.MustCompile(`.\.aria2$`)},
	{Tool: "many programs", Example: "loss.tmp", Fate: Doubtful, holds: ".tmp", Pattern: regexp.MustCompile(`.\.tmp$`)},
	{Tool: "vim", Example: "loss.swp", Fate: Doubtful, holds: ".swp", Pattern: regexp.MustCompile(`^[^.].*\.swp$`)},
	{Tool: "git, patch", Example: "loss.orig", Fate: Doubtful, holds: ".orig", Pattern: regexp.MustCompile(`.\.orig$`)},
	{Tool: "patch", Example: "loss.rej", Fate: Doubtful, holds: ".rej", Pattern: regexp.MustCompile(`.\.rej$`)},
	{Tool: "sed, Perl", Example: "loss.bak", Fate: Doubtful, holds: ".bak", Pattern: regexp.MustCompile(`.\.bak$`)},
	{Tool: "git mergetool", Example: "loss_BACKUP_12345", Fate: Doubtful, holds: "_", Pattern: regexp.MustCompile(`._(?:BACKUP|BASE|LOCAL|REMOTE)_\d+(?:\.[^.]*)?$`)},
	{Tool: "Resilio Sync", Example: "loss.Conflict", Fate: Doubtful, holds: ".Conflict", Pattern: regexp.MustCompile(`.\.Conflict$`)},

	{Tool: "iCloud, macOS", Example: "loss 2", Fate: DoubtfulCopy, holds: " ", Pattern: regexp.MustCompile(`^(.+) \d+(\.[^.]*)?$`)},
	{Tool: "macOS", Example: "loss copy", Fate: DoubtfulCopy, holds: " copy", Pattern: regexp.MustCompile(`^(.+) copy(?: \d+)?(\.[^.]*)?$`)},
	{Tool: "Windows", Example: "loss - Copy", Fate: DoubtfulCopy, holds: " - Copy", Pattern: regexp.MustCompile(`^(.+) - Copy(\.[^.]*)?$`)},
	{Tool: "Google Drive", Example: "Copy of loss", Fate: DoubtfulCopy, holds: "Copy of ", Pattern: regexp.MustCompile(`^Copy of (.+)$`)},
	{Tool: "OneDrive", Example: "loss-DESKTOP-4F2K9QL", Fate: DoubtfulCopy, holds: "TOP-", Pattern: regexp.MustCompile(`^(.+)-(?:DESKTOP|LAPTOP)-[0-9A-Z]{7,8}(\.[^.]*)?$`)},
}

// inParens is the copy that says so in parentheses, which no key has, in the language of its user:
// before the extension, if there is one.
var inParens = regexp.MustCompile(`^(.+?) \([^()]*(?:[cC]onfli|[kK]onfli)[^()]*\)(\.[^.]*)?$`)
