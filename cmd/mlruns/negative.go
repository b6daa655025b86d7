package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// allowNegative lets a negative number be an argument: "log-metric RUN loss -0.5". No flag looks
// like one. With one among the arguments the command line becomes the command, its flags, "--", and
// the arguments in their order.
func allowNegative(root *cobra.Command, args []string) []string {
	if !slices.ContainsFunc(args, negative) {
		return args
	}
	cmd, rest, err := root.Find(args)
	if err != nil || cmd.HasSubCommands() {
		return args
	}
	var flags, operands []string
	for len(rest) > 0 {
		arg := rest[0]
		n := 1
		switch {
		case arg == "--":
			operands = append(operands, rest[1:]...)
			rest = nil
			continue
		case negative(arg) || !strings.HasPrefix(arg, "-"):
			operands = append(operands, arg)
		default:
			if takesValue(cmd, arg) {
				n = min(2, len(rest))
			}
			flags = append(flags, rest[:n]...)
		}
		rest = rest[n:]
	}
	path := strings.Fields(cmd.CommandPath())[1:]
	return slices.Concat(path, flags, []string{"--"}, operands)
}

// negative reports whether an argument is a number with a minus sign.
func negative(arg string) bool {
	if !strings.HasPrefix(arg, "-") {
		return false
	}
	_, err := strconv.ParseFloat(arg, 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

// takesValue reports whether the argument after this flag is its value.
func takesValue(cmd *cobra.Command, arg string) bool {
	lookup := func(set *pflag.FlagSet) *pflag.Flag {
		if name, long := strings.CutPrefix(arg, "--"); long {
			return set.Lookup(name)
		}
		return set.ShorthandLookup(arg[len(arg)-1:])
	}
	for _, set := range []*pflag.FlagSet{cmd.Flags(), cmd.InheritedFlags()} {
		if f := lookup(set); f != nil {
			return f.NoOptDefVal == ""
		}
	}
	return false
}
