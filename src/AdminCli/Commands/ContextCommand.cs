using System.CommandLine;
using System.CommandLine.Completions;
using System.Text.Json.Nodes;

namespace Relay.AdminCli.Commands;

/// <summary>Relays by name, so that nobody has to repeat addresses and files.</summary>
internal static class ContextCommand
{
    private static readonly Column[] Columns = [new("CONTEXT"), new("SERVER"), new("CA_FILE", IfAny: true), new("TOKEN_FILE", IfAny: true), new("CERT", IfAny: true), new("KEY", IfAny: true)];

    public static Command Create(GlobalOptions globals, CommandContext context) => new ExampleCommand(
        "context",
        "Saves relays under names: add, use, list, remove.",
        "A context has the address of a relay and the files to reach it with. It is used where neither --server nor RELAY_ADMIN is given; options and RELAY_TOKEN win over "
            + "its files. Tokens themselves are not saved, only the names of their files. Contexts are kept in $XDG_CONFIG_HOME/relay/contexts.json, else in ~/.config/relay, readable only by you.",
        "relayctl context add prod --server https://relay.example:9443 --ca-file ca.pem --token-file prod.token",
        "relayctl context use prod",
        "relayctl context list",
        "relayctl context add local --server /run/relay/admin.sock")
    {
        Add(globals, context),
        Use(context),
        List(globals, context),
        Remove(context),
    };

    private static Command Add(GlobalOptions globals, CommandContext context)
    {
        var name = Name("1 to 64 letters, digits, '-', '_' or '.'.");
        var command = new ExampleCommand(
            "add",
            "Saves a relay under a name.",
            "Saves --server, --ca-file, --token-file, --cert and --key as they are given; nothing is called. File names are saved as absolute paths. A name that exists is not replaced: remove it first.",
            "relayctl context add local --server /run/relay/admin.sock",
            "relayctl context add prod --server https://relay.example:9443 --ca-file ca.pem --token-file prod.token")
        {
            name,
        };
        return WithFile(command, context, (options, file) =>
        {
            var (called, address) = (options.GetRequiredValue(name), options.GetValue(globals.Server));
            if (file.Contexts.ContainsKey(called))
            {
                return $"There is a context '{called}' already. Remove it first: relayctl context remove {called}";
            }

            if (address is null)
            {
                return "Give --server: the address that the context is for.";
            }

            var choice = new ServerChoice(address, options.GetValue(globals.CaFile), options.GetValue(globals.TokenFile), options.GetValue(globals.Certificate), options.GetValue(globals.Key));
            string?[] files = [choice.CaFile, choice.TokenFile, choice.Certificate, choice.Key];
            if (Credentials.Misplaced(choice) is { } misplaced)
            {
                return misplaced;
            }

            if (files.FirstOrDefault(path => path is not null && !File.Exists(path)) is { } missing)
            {
                return $"There is no file {Printable.Clean(missing)}.";
            }

            file.Contexts[called] = new SavedContext(
                address.SocketPath ?? address.ToString(), Full(choice.CaFile), Full(choice.TokenFile), Full(choice.Certificate), Full(choice.Key));
            return Saved(options, file, file.Current is null ? $"Added {called}. `relayctl context use {called}` makes it the one that is used." : $"Added {called}.");
        });
    }

    private static Command Use(CommandContext context)
    {
        var name = Existing(context, ArgumentArity.ZeroOrOne, "The context; none: the default sockets are used again.");
        return WithFile(
            new ExampleCommand(
                "use",
                "Chooses the context that commands use.",
                "Applies to every later command of this user that has neither --server nor --context, where RELAY_ADMIN is not set.",
                "relayctl context use prod",
                "relayctl context use         # none: the default sockets on this machine")
            {
                name,
            },
            context,
            (options, file) =>
            {
                var called = options.GetValue(name);
                if (called is not null && !file.Contexts.ContainsKey(called))
                {
                    return Unknown(called);
                }

                file.Current = called;
                var overridden = context.Variable("RELAY_ADMIN") is { Length: > 0 } ? " RELAY_ADMIN is set and wins over it." : "";
                return Saved(options, file, called is null ? "No context is used." : $"Using {called}: {Printable.Clean(file.Contexts[called].Server)}.{overridden}");
            });
    }

    private static Command List(GlobalOptions globals, CommandContext context) => WithFile(
        new ExampleCommand("list", "Lists the contexts.", "The one that is used is marked *. Nothing is called.", "relayctl context list", "relayctl context list -o json | jq -r .current"),
        context,
        (options, file) =>
        {
            var output = new Output(options.InvocationConfiguration.Output, context.Terminal, options.GetValue(globals.Output));
            output.List(file.ToJson(everyField: true), Rows(file), ["context", "current", "server", "caFile", "tokenFile", "certificate", "key"], () =>
            {
                if (file.Contexts.Count == 0)
                {
                    output.Line("No contexts.");
                }
                else
                {
                    output.Table(Columns, [.. file.Contexts.Select(one => Row(one.Key, one.Value, one.Key == file.Current))]);
                }
            });

            return null;
        });

    private static Command Remove(CommandContext context)
    {
        var name = Existing(context, ArgumentArity.ExactlyOne, "The context.");
        return WithFile(
            new ExampleCommand("remove", "Removes a context.", "The files that it names stay. If it was the one in use, none is used afterwards.", "relayctl context remove prod") { name },
            context,
            (options, file) =>
            {
                var called = options.GetRequiredValue(name);
                if (!file.Contexts.Remove(called))
                {
                    return Unknown(called);
                }

                file.Current = file.Current == called ? null : file.Current;
                return Saved(options, file, $"Removed {called}.");
            });
    }

    /// <summary>Runs <paramref name="run"/>, which gives null or what is wrong, with the user's file.</summary>
    private static Command WithFile(Command command, CommandContext context, Func<ParseResult, ContextFile, string?> run)
    {
        command.SetAction(options =>
        {
            if ((ContextFile.Open(context.Variable, out var problem) is { } file ? run(options, file) : problem) is not { } wrong)
            {
                return ExitCodes.Ok;
            }

            options.InvocationConfiguration.Error.WriteLine(wrong);
            return ExitCodes.Usage;
        });
        return command;
    }

    private static string? Saved(ParseResult options, ContextFile file, string sentence)
    {
        if (file.Save() is { } problem)
        {
            return problem;
        }

        options.InvocationConfiguration.Output.WriteLine(sentence);
        return null;
    }

    private static Argument<string> Name(string description) => new("name")
    {
        Description = description,
        CustomParser = ArgumentParsers.Text("The name of a context", ContextFile.IsName, "1 to 64 letters, digits, '-', '_' or '.'")!,
    };

    private static Argument<string> Existing(CommandContext context, ArgumentArity arity, string description)
    {
        var name = Name(description);
        name.Arity = arity;
        name.CompletionSources.Add(_ => GlobalOptions.ContextNames(context).Select(known => new CompletionItem(known)));
        return name;
    }

    private static string Unknown(string name) => $"There is no context '{name}'. `relayctl context list` shows them.";

    private static string? Full(string? file) => file is null ? null : Path.GetFullPath(file);

    private static JsonNode[] Rows(ContextFile file) => [.. file.Contexts.Select(one => new JsonObject
    {
        ["context"] = one.Key,
        ["current"] = one.Key == file.Current,
        ["server"] = one.Value.Server,
        ["caFile"] = one.Value.CaFile,
        ["tokenFile"] = one.Value.TokenFile,
        ["certificate"] = one.Value.Certificate,
        ["key"] = one.Value.Key,
    })];

    private static string[] Row(string name, SavedContext saved, bool isCurrent) =>
    [
        name + (isCurrent ? "*" : ""),
        Printable.Word(saved.Server),
        Printable.Word(saved.CaFile ?? ""),
        Printable.Word(saved.TokenFile ?? ""),
        Printable.Word(saved.Certificate ?? ""),
        Printable.Word(saved.Key ?? ""),
    ];
}
