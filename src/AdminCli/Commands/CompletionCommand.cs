using System.CommandLine;

namespace Relay.AdminCli.Commands;

/// <summary>Prints the lines that teach a shell to complete relayctl's commands, options and values.</summary>
internal static class CompletionCommand
{
    // Each script asks relayctl itself through the [suggest:N] directive, so it never goes stale. The word that was typed
    // (perhaps a path) is replaced by the plain name, by which the parser knows its own command line.
    private const string Bash = """
        _relayctl() {
            local line="relayctl${COMP_LINE#"$1"}" point=$((COMP_POINT - ${#1} + 8)) IFS=$'\n'
            # shellcheck disable=SC2207
            COMPREPLY=($(compgen -W "$("${1/#\~/${HOME-}}" "[suggest:$point]" "$line" 2>/dev/null)" -- "$2"))
        }
        complete -F _relayctl relayctl
        """;

    private const string Zsh = """
        #compdef relayctl
        _relayctl() {
            local line="relayctl${BUFFER#"${words[1]}"}" point=$((CURSOR - ${#words[1]} + 8))
            local -a answers=("${(@f)$("${words[1]}" "[suggest:$point]" "$line" 2>/dev/null)}")
            compadd -- $answers
        }
        compdef _relayctl relayctl
        """;

    private const string Fish = """
        function __relayctl_complete
            set -l command (commandline -op)[1]
            set -l line (commandline -cp)
            set -l line relayctl(string sub -s (math (string length -- $command) + 1) -- $line)
            $command "[suggest:"(string length -- $line)"]" $line 2>/dev/null
        end
        complete -c relayctl -f -a '(__relayctl_complete)'
        """;

    private static readonly Dictionary<string, string> Scripts = new() { ["bash"] = Bash, ["zsh"] = Zsh, ["fish"] = Fish };

    public static Command Create()
    {
        var shell = new Argument<string>("bash|zsh|fish")
        {
            HelpName = "bash|zsh|fish",
            Description = "Your shell.",
            CustomParser = ArgumentParsers.OneOf("The shell", Scripts),
            CompletionSources = { "bash", "zsh", "fish" },
        };
        var command = new ExampleCommand(
            "completion",
            "Prints a completion script for bash, zsh or fish.",
            "Completes commands, options and values. The script asks relayctl at each TAB, so it never goes out of date.",
            "source <(relayctl completion bash)       # in ~/.bashrc",
            "source <(relayctl completion zsh)        # in ~/.zshrc, after compinit",
            "relayctl completion fish | source        # in ~/.config/fish/config.fish")
        {
            shell,
        };
        command.SetAction(options =>
        {
            options.InvocationConfiguration.Output.WriteLine(options.GetValue(shell));
            return ExitCodes.Ok;
        });
        return command;
    }
}
