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
        Description = $"Where the relay's admin listener is: {ServerAddress.AcceptedForms}. "
            + "Not given: RELAY_ADMIN, else the first that exists of $XDG_RUNTIME_DIR/relay/admin.sock, /run/relay/admin.sock, /tmp/relay-<uid>/admin.sock.",
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
        Description = "How long the relay may take to answer one call, 100ms to 5m (default 5s). A watch waits that long beyond its interval.",
        HelpName = "time",
        Recursive = true,
        CustomParser = ArgumentParsers.Duration("--timeout", MinTimeout, MaxTimeout),
    };

    public Option<string?> TokenFile { get; } = new("--token-file")
    {
        Description = "File with a token for an address over the network, as `relayctl token create` prints it. Not given: RELAY_TOKEN. No option takes the token itself: command lines are public.",
        HelpName = "file",
        Recursive = true,
    };

    public Option<string?> CaFile { get; } = new("--ca-file")
    {
        Description = "Certificate (PEM) of the authority that signed the relay's. Not given: the authorities that this machine knows.",
        HelpName = "file",
        Recursive = true,
    };

    public Option<string?> Certificate { get; } = new("--cert")
    {
        Description = "Client certificate (PEM) for an address over the network.",
        HelpName = "file",
        Recursive = true,
    };

    public Option<string?> Key { get; } = new("--key")
    {
        Description = "Its private key (PEM). Not given: it is in the certificate's file.",
        HelpName = "file",
        Recursive = true,
    };

    public GlobalOptions()
    {
        Output.Description = "table, for eyes (the default), or json, for programs: protobuf's canonical JSON of the answer, every field present, 64-bit numbers as strings.";
        Output.Recursive = true;
    }

    public TimeSpan TimeoutOf(ParseResult options) => options.GetValue(Timeout) ?? DefaultTimeout;

    /// <summary>From the option, the environment or the usual places; or why there is none.</summary>
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
