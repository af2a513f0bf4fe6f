using System.CommandLine;

namespace Relay.AdminCli;

/// <summary>The options that every command has.</summary>
internal sealed class GlobalOptions
{
    private static readonly TimeSpan MinTimeout = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(5);

    private static readonly Dictionary<string, OutputFormat> Formats = new() { ["table"] = OutputFormat.Table, ["json"] = OutputFormat.Json };

    public Option<ServerAddress?> Server { get; } = new("--server")
    {
        Description = $"Address of the relay's admin listener: {ServerAddress.AcceptedForms}. "
            + "Default: RELAY_ADMIN, else the first that exists of $XDG_RUNTIME_DIR/relay/admin.sock, /run/relay/admin.sock, /tmp/relay-<uid>/admin.sock.",
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

    public GlobalOptions()
    {
        Output.Description = "Output format: table (default) or json.";
        Output.Recursive = true;
    }

    public TimeSpan TimeoutOf(ParseResult options) => options.GetValue(Timeout) ?? DefaultTimeout;

    /// <summary>From the option, the environment or the default sockets; or why there is none.</summary>
    public ServerAddress? FindServer(ParseResult options, CommandContext context, out Failure? failure)
    {
        failure = null;
        if (options.GetValue(Server) is { } given)
        {
            return given;
        }

        if (context.Variable("RELAY_ADMIN") is { Length: > 0 } variable)
        {
            var named = ServerAddress.Parse(variable, "RELAY_ADMIN", out var wrong);
            failure = wrong is null ? null : new Failure(ExitCodes.Usage, wrong);
            return named;
        }

        var userId = LibC.EffectiveUserId;
        var found = DefaultSocket.Find(DefaultSocket.Candidates(context.Variable, userId), userId, out var missing);
        failure = missing is null ? null : new Failure(ExitCodes.Unreachable, missing);
        return found;
    }
}
