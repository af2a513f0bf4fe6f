using System.CommandLine;
using System.CommandLine.Completions;

namespace Relay.AdminCli;

/// <summary>The options that every command has.</summary>
internal sealed class GlobalOptions
{
    private static readonly TimeSpan MinTimeout = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(5);

    private static readonly Dictionary<string, OutputFormat> Formats = new()
    {
        ["table"] = OutputFormat.Table,
        ["wide"] = OutputFormat.Wide,
        ["json"] = OutputFormat.Json,
        ["jsonl"] = OutputFormat.JsonLines,
        ["csv"] = OutputFormat.Csv,
    };

    public Option<ServerAddress?> Server { get; } = new("--server")
    {
        Description = $"Address of the relay's admin listener: {ServerAddress.AcceptedForms}. "
            + "Default: RELAY_ADMIN, else that of the context in use, else the first that exists of $XDG_RUNTIME_DIR/relay/admin.sock, /run/relay/admin.sock, /tmp/relay-<uid>/admin.sock.",
        HelpName = "address",
        Recursive = true,
        CustomParser = static argument =>
        {
            var address = ServerAddress.Parse(argument.Tokens[0].Value, "--server", out var problem);
            if (problem is not null)
            {
                argument.AddError(problem);
            }

            return address;
        },
    };

    public Option<string?> Context { get; } = new("--context")
    {
        Description = "Saved relay to call, as in `relayctl context list`, whatever RELAY_ADMIN says. Default: the one chosen with `relayctl context use`.",
        HelpName = "name",
        Recursive = true,
        CustomParser = ArgumentParsers.Text("--context", ContextFile.IsName, "1 to 64 letters, digits, '-', '_' or '.'"),
    };

    public Option<OutputFormat> Output { get; } = ArgumentParsers.Choice("--output", Formats, "-o");

    public Option<TimeSpan?> Timeout { get; } = new("--timeout")
    {
        Description = "How long to wait for the answer to a call, 100ms to 5m (default 5s).",
        HelpName = "time",
        Recursive = true,
        CustomParser = ArgumentParsers.Duration("--timeout", MinTimeout, MaxTimeout),
    };

    public Option<string?> TokenFile { get; } = new("--token-file")
    {
        Description = "File with an access token for an admin listener on TCP, as printed by `relayctl token create`. Default: the token in RELAY_TOKEN.",
        HelpName = "file",
        Recursive = true,
    };

    public Option<string?> CaFile { get; } = new("--ca-file")
    {
        Description = "CA certificates (PEM) to verify the relay's certificate with. Default: the system's.",
        HelpName = "file",
        Recursive = true,
    };

    public Option<string?> Certificate { get; } = new("--cert")
    {
        Description = "Client certificate (PEM) for an admin listener on TCP.",
        HelpName = "file",
        Recursive = true,
    };

    public Option<string?> Key { get; } = new("--key")
    {
        Description = "Private key (PEM) of the client certificate. Default: in the certificate's file.",
        HelpName = "file",
        Recursive = true,
    };

    public GlobalOptions(CommandContext context)
    {
        Context.CompletionSources.Add(_ => ContextNames(context).Select(name => new CompletionItem(name)));
        Output.Description = "Output format: table (default), wide: with more columns, json: one object, jsonl: one object a line for each row, csv: those with a header (RFC 4180).";
        Output.Recursive = true;
    }

    public TimeSpan TimeoutOf(ParseResult options) => options.GetValue(Timeout) ?? DefaultTimeout;

    /// <summary>For completions: what is saved, as far as it can be read.</summary>
    public static IEnumerable<string> ContextNames(CommandContext context) => ContextFile.Open(context.Variable, out _)?.Contexts.Keys ?? Enumerable.Empty<string>();
}
