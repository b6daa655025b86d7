package filestore

import "regexp"

// fate is what becomes of a file whose name has a foreign form.
type fate uint8

const (
	// junk is nobody's record. A repair moves it out of the records.
	junk fate = iota
	// underWay is a copy or a save that is under way, or was interrupted. A repair moves it once it
	// has not changed for an hour.
	underWay
	// inUse stands for something that its program still has, and takes away itself. A repair leaves
	// it.
	inUse
	// copied is put beside a file or folder that two machines have changed. Where the form has
	// groups, they are the name of the original.
	copied
	// doubtful could be a key, and is one. Only Verify and Repair name it, and a repair changes
	// nothing in it.
	doubtful
	// doubtfulCopy is doubtful, where the original that its groups name stands beside it. Alone it
	// is a key like any other.
	doubtfulCopy
)

// foreignForm is a form of the names that a kind of program leaves, or has for a while, in any
// folder.
type foreignForm struct {
	tool    string
	example string
	fate    fate
	holds   string         // a text that every such name holds
	form    *regexp.Regexp // nil: the example is the only such name
	// how many of digits, small and capital letters are among the last six characters, at least
	random int
}

// foreignForms are all of them. The first that fits counts. layout.md has the same table.
//
// A form hides a key only if no person would choose such a name for one: it has a character that no
// key has, or a leading dot and a program's mark, or digits that nobody types. Everything else is
// doubtful.
var foreignForms = []foreignForm{
	{tool: "macOS", example: ".DS_Store"},
	{tool: "macOS", example: ".Trashes"},
	{tool: "macOS", example: ".Spotlight-V100"},
	{tool: "macOS", example: ".TemporaryItems"},
	{tool: "macOS", example: ".fseventsd"},
	{tool: "macOS", example: ".apdisk"},
	{tool: "macOS, a file being saved", example: "loss.sb-1a2b3c4d-AbC123", fate: underWay, holds: ".sb-", form: regexp.MustCompile(`.\.sb-[0-9a-f]{8}-[0-9A-Za-z]{6}$`)},
	{tool: "Windows", example: "Thumbs.db"},
	{tool: "Windows", example: "ehthumbs.db"},
	{tool: "Windows", example: "desktop.ini"},
	{tool: "Windows", example: "System Volume Information"},
	{tool: "Windows", example: "$RECYCLE.BIN"},
	{tool: "KDE", example: ".directory"},
	{tool: "Linux desktops", example: ".Trash-1000", holds: ".Trash-", form: regexp.MustCompile(`^\.Trash-\d+$`)},
	{tool: "fsck", example: "lost+found"},
	{tool: "Synology", example: "@eaDir"},
	{tool: "Jupyter", example: ".ipynb_checkpoints"},
	{tool: "Python", example: "__pycache__"},
	{tool: "git", example: ".git"},
	{tool: "git", example: ".gitignore"},
	{tool: "git", example: ".gitkeep"},
	{tool: "git", example: ".gitattributes"},
	{tool: "git", example: ".gitmodules"},
	{tool: "DVC", example: ".dvc"},
	{tool: "DVC", example: ".dvcignore"},
	{tool: "Subversion", example: ".svn"},
	{tool: "Mercurial", example: ".hg"},

	{tool: "NFS, a removed file that is open", example: ".nfs000000000012", fate: inUse, holds: ".nfs", form: regexp.MustCompile(`^\.nfs[.0-9A-Fa-f]*[0-9][.0-9A-Fa-f]*$`)},
	{tool: "SMB, a removed file that is open", example: ".smbdeleteAAA1b2c3d4", fate: inUse, holds: ".smb", form: regexp.MustCompile(`^\.(?:__)?smb(?:delete.*|[0-9A-F]*[0-9][0-9A-Fa-f]*)$`)},
	{tool: "AFS, a removed file that is open", example: ".__afs1B2C", fate: inUse, holds: ".__afs", form: regexp.MustCompile(`^\.__afs[0-9A-F]+$`)},
	{tool: "FUSE, a removed file that is open", example: ".fuse_hidden0000000400000001", fate: inUse, holds: ".fuse_hidden", form: regexp.MustCompile(`^\.fuse_hidden[0-9a-f]+$`)},
	{tool: "macOS", example: "._loss", holds: "._", form: regexp.MustCompile(`^\._.`)},
	{tool: "iCloud, a file that is not on this machine", example: ".loss.icloud", fate: inUse, holds: ".icloud", form: regexp.MustCompile(`^\..+\.icloud$`)},
	{tool: "LibreOffice, a lock", example: ".~lock.loss#", fate: inUse, holds: ".~lock.", form: regexp.MustCompile(`^\.~lock\.`)},
	{tool: "Emacs, a lock", example: ".#loss", fate: inUse, holds: ".#", form: regexp.MustCompile(`^\.#`)},
	{tool: "Emacs", example: "#loss#", fate: inUse, holds: "#", form: regexp.MustCompile(`^#.*#$`)},
	{tool: "vim, nano", example: ".loss.swp", fate: inUse, holds: ".sw", form: regexp.MustCompile(`^\..+\.sw[a-p]$`)},
	{tool: "Kate", example: ".loss.kate-swp", fate: inUse, holds: ".kate-swp", form: regexp.MustCompile(`^\..+\.kate-swp$`)},
	{tool: "Syncthing", example: ".stfolder"},
	{tool: "Syncthing", example: ".stignore"},
	{tool: "Syncthing", example: ".stversions"},
	{tool: "Syncthing", example: ".syncthing.loss.tmp", fate: inUse, holds: ".syncthing.", form: regexp.MustCompile(`^\.syncthing\.`)},
	{tool: "Syncthing", example: "~syncthing~loss.tmp", fate: inUse, holds: "~syncthing~", form: regexp.MustCompile(`^~syncthing~`)},

	{tool: "rsync", example: ".rsync-partial"},
	{tool: "rsync", example: ".~tmp~"},
	{tool: "rsync", example: ".loss.a1B2c3", fate: underWay, holds: ".", form: regexp.MustCompile(`^\..+\.[0-9A-Za-z]{6}$`), random: 3},
	{tool: "rsync", example: ".loss.a1b2c3", fate: doubtful, holds: ".", form: regexp.MustCompile(`^\..+\.[0-9A-Za-z]{6}$`), random: 2},
	{tool: "rclone", example: "loss.1a2b3c4d.partial", fate: underWay, holds: ".partial", form: regexp.MustCompile(`.\.[0-9a-f]{8}\.partial$`)},
	{tool: "Unison", example: ".unison.loss.1a2b3c.unison.tmp", fate: underWay, holds: ".unison.tmp", form: regexp.MustCompile(`^\.unison\..*\.unison\.tmp$`)},
	{tool: "Mutagen", example: ".mutagen-temporary-1a2b3c", fate: underWay, holds: ".mutagen-temporary-", form: regexp.MustCompile(`^\.mutagen-temporary-`)},
	{tool: "GIO", example: ".goutputstream-A1B2C3", fate: underWay, holds: ".goutputstream-", form: regexp.MustCompile(`^\.goutputstream-[0-9A-Za-z]{6}$`)},
	{tool: "Nextcloud, ownCloud", example: ".loss.~1a2b3c4d", fate: underWay, holds: ".~", form: regexp.MustCompile(`^\..+\.~[0-9a-f]+$`)},
	{tool: "Nextcloud", example: ".nextcloudsync.log"},
	{tool: "ownCloud", example: ".owncloudsync.log"},
	{tool: "Nextcloud, ownCloud", example: ".sync_1a2b3c4d.db", fate: inUse, holds: ".sync_", form: regexp.MustCompile(`^\.sync_[0-9a-f]+\.db`)},
	{tool: "Dropbox", example: ".dropbox"},
	{tool: "Dropbox", example: ".dropbox.attr"},
	{tool: "Dropbox", example: ".dropbox.cache"},
	{tool: "Google Drive", example: ".tmp.driveupload"},
	{tool: "Google Drive", example: ".tmp.drivedownload"},
	{tool: "OneDrive, Office", example: "~$loss", fate: inUse, holds: "~$", form: regexp.MustCompile(`^~\$`)},
	{tool: "Chrome", example: "loss.crdownload", fate: underWay, holds: ".crdownload", form: regexp.MustCompile(`.\.crdownload$`)},
	{tool: "Opera", example: "loss.opdownload", fate: underWay, holds: ".opdownload", form: regexp.MustCompile(`.\.opdownload$`)},
	{tool: "JetBrains", example: "loss___jb_tmp___", fate: underWay, holds: "___jb_", form: regexp.MustCompile(`.___jb_(?:tmp|old)___$`)},
	{tool: "vim, Emacs, patch, rsync", example: "loss~", holds: "~", form: regexp.MustCompile(`[^~]~$`)},

	{tool: "Nextcloud, two names that differ in case", example: "Loss (case clash from bob 2026-11-27 120000)", fate: copied, holds: " (case clash", form: regexp.MustCompile(` \(case clash[^()]*\)`)},
	{tool: "Dropbox, two names that differ in case", example: "Loss (Case Conflict)", fate: copied, holds: "Case Conflict", form: regexp.MustCompile(` \([^()]*Case Conflict[^()]*\)`)},
	{tool: "Dropbox, Nextcloud", example: "loss (conflicted copy 2026-11-27)", fate: copied, holds: "onfli", form: inParens},
	{tool: "Dropbox", example: "loss (Bob's conflicted copy 2026-11-27)", fate: copied, holds: "onfli", form: inParens},
	{tool: "Dropbox, in another language", example: "loss (Kopie von Bob in Konflikt 2026-11-27)", fate: copied, holds: "onfli", form: inParens},
	{tool: "Unison", example: "loss (conflict_on_2026-11-27)", fate: copied, holds: "onfli", form: inParens},
	{tool: "Seafile", example: "loss (SFConflict bob@example.org 2026-11-27-12-00-00)", fate: copied, holds: "onfli", form: inParens},
	{tool: "Google Drive, and copies made by hand", example: "loss (1)", fate: copied, holds: " (", form: regexp.MustCompile(`^(.+?) \(\d+\)(\.[^.]*)?$`)},
	{tool: "Google Drive", example: "loss [Conflict]", fate: copied, holds: "[Conflict", form: regexp.MustCompile(`^(.+?) ?\[Conflict[^]]*\](\.[^.]*)?$`)},
	{tool: "Google Drive", example: "loss_conf(1)", fate: copied, holds: "_conf(", form: regexp.MustCompile(`^(.+?)_conf\(\d+\)(\.[^.]*)?$`)},
	{tool: "Syncthing", example: "loss.sync-conflict-20261127-120000-ABCDEFG", fate: copied, holds: ".sync-conflict-",
		form: regexp.MustCompile(`^(.+)\.sync-conflict-\d{8}-\d{6}(?:-[A-Z0-9]{7})?(\.[^.]*)?$`)},
	{tool: "Syncthing", example: "loss.sync-conflict-1", fate: copied, holds: ".sync-conflict-", form: regexp.MustCompile(`\.sync-conflict-`)},
	{tool: "ownCloud", example: "loss_conflict-20261127-120000", fate: copied, holds: "_conflict-", form: regexp.MustCompile(`^(.+)_conflict-(?:[^.]+-)?\d{8}-\d{6}(\.[^.]*)?$`)},
	{tool: "Synology Drive", example: "loss_HOST_Nov-27-120000-2026_Conflict", fate: copied, holds: "_Conflict",
		form: regexp.MustCompile(`^(.+?)_[^_]+_[A-Z][a-z]{2}-\d{2}-\d{6}-\d{4}_Conflict(\.[^.]*)?$`)},
	{tool: "Dropbox", example: "loss conflicted copy", fate: copied, holds: "conflicted copy", form: regexp.MustCompile(`conflicted copy`)},

	{tool: "sed", example: "sedAbC123", fate: doubtful, holds: "sed", form: regexp.MustCompile(`^sed[0-9A-Za-z]{6}$`), random: 2},
	{tool: "Firefox, KDE", example: "loss.part", fate: doubtful, holds: ".part", form: regexp.MustCompile(`.\.part$`)},
	{tool: "Edge, rsync, rclone", example: "loss.partial", fate: doubtful, holds: ".partial", form: regexp.MustCompile(`.\.partial$`)},
	{tool: "WinSCP", example: "loss.filepart", fate: doubtful, holds: ".filepart", form: regexp.MustCompile(`.\.filepart$`)},
	{tool: "Safari", example: "loss.download", fate: doubtful, holds: ".download", form: regexp.MustCompile(`.\.download$`)},
	{tool: "aria2", example: "loss.aria2", fate: doubtful, holds: ".aria2", form: regexp.MustCompile(`.\.aria2$`)},
	{tool: "many programs", example: "loss.tmp", fate: doubtful, holds: ".tmp", form: regexp.MustCompile(`.\.tmp$`)},
	{tool: "vim", example: "loss.swp", fate: doubtful, holds: ".swp", form: regexp.MustCompile(`^[^.].*\.swp$`)},
	{tool: "git, patch", example: "loss.orig", fate: doubtful, holds: ".orig", form: regexp.MustCompile(`.\.orig$`)},
	{tool: "patch", example: "loss.rej", fate: doubtful, holds: ".rej", form: regexp.MustCompile(`.\.rej$`)},
	{tool: "sed, Perl", example: "loss.bak", fate: doubtful, holds: ".bak", form: regexp.MustCompile(`.\.bak$`)},
	{tool: "git mergetool", example: "loss_BACKUP_12345", fate: doubtful, holds: "_", form: regexp.MustCompile(`._(?:BACKUP|BASE|LOCAL|REMOTE)_\d+(?:\.[^.]*)?$`)},
	{tool: "Resilio Sync", example: "loss.Conflict", fate: doubtful, holds: ".Conflict", form: regexp.MustCompile(`.\.Conflict$`)},

	{tool: "iCloud, macOS", example: "loss 2", fate: doubtfulCopy, holds: " ", form: regexp.MustCompile(`^(.+) \d+(\.[^.]*)?$`)},
	{tool: "macOS", example: "loss copy", fate: doubtfulCopy, holds: " copy", form: regexp.MustCompile(`^(.+) copy(?: \d+)?(\.[^.]*)?$`)},
	{tool: "Windows", example: "loss - Copy", fate: doubtfulCopy, holds: " - Copy", form: regexp.MustCompile(`^(.+) - Copy(\.[^.]*)?$`)},
	{tool: "Google Drive", example: "Copy of loss", fate: doubtfulCopy, holds: "Copy of ", form: regexp.MustCompile(`^Copy of (.+)$`)},
	{tool: "OneDrive", example: "loss-DESKTOP-4F2K9QL", fate: doubtfulCopy, holds: "TOP-", form: regexp.MustCompile(`^(.+)-(?:DESKTOP|LAPTOP)-[0-9A-Z]{7,8}(\.[^.]*)?$`)},
}

// inParens is the copy that says so in parentheses, which no key has, in the language of its user:
// before the extension, if there is one.
var inParens = regexp.MustCompile(`^(.+?) \([^()]*(?:[cC]onfli|[kK]onfli)[^()]*\)(\.[^.]*)?$`)
