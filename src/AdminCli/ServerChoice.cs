using System.CommandLine;

namespace Relay.AdminCli;

/// <summary>Which relay a command calls, and the files with which it does: from options first, then the environment, then the context.</summary>
internal sealed record ServerChoice(ServerAddress Address, string? CaFile, string? TokenFile, string? Certificate, string? Key)
{
    /// <summary>What is chosen; or why nothing can be.</summary>
    public static ServerChoice? Find(GlobalOptions globals, ParseResult options, CommandContext context, out Failure? failure)
    {
        failure = null;
        var given = new ServerChoice(null!, options.GetValue(globals.CaFile), options.GetValue(globals.TokenFile), options.GetValue(globals.Certificate), options.GetValue(globals.Key));
        var name = options.GetValue(globals.Context);
        if (options.GetValue(globals.Server) is { } address)
        {
            failure = name is null ? null : new Failure(ExitCodes.Usage, "--server and --context cannot be combined.");
            return name is null ? given with { Address = address } : null;
        }

        if (name is null && context.Variable("RELAY_ADMIN") is { Length: > 0 } variable)
        {
            var named = ServerAddress.Parse(variable, "RELAY_ADMIN", out var wrong);
            failure = wrong is null ? null : new Failure(ExitCodes.Usage, wrong);
            return named is null ? null : given with { Address = named };
        }

        if (name is not null || ContextFile.Exists(context.Variable))
        {
            if (ContextFile.Open(context.Variable, out var unusable) is not { } file)
            {
                failure = new Failure(ExitCodes.Usage, unusable!);
                return null;
            }

            if ((name ?? file.Current) is { } chosen)
            {
                return given.With(file, chosen, context, out failure);
            }
        }

        var userId = LibC.EffectiveUserId;
        var found = DefaultSocket.Find(DefaultSocket.Candidates(context.Variable, userId), userId, out var missing);
        failure = missing is null ? null : new Failure(ExitCodes.Unreachable, missing);
        return found is null ? null : given with { Address = found };
    }

    private ServerChoice? With(ContextFile file, string name, CommandContext context, out Failure? failure)
    {
        failure = null;
        if (!file.Contexts.TryGetValue(name, out var saved))
        {
            failure = new Failure(ExitCodes.Usage, $"There is no context '{Printable.Clean(name)}'. `relayctl context list` shows them, `relayctl context add` makes one.");
            return null;
        }

        if (ServerAddress.Parse(saved.Server, $"context {name}", out var problem) is not { } address)
        {
            failure = new Failure(ExitCodes.Usage, problem!);
            return null;
        }

        var (certificate, key) = (Certificate ?? Key) is null ? (saved.Certificate, saved.Key) : (Certificate, Key);
        // A token in the environment is as explicit as one in an option.
        var tokenFile = TokenFile ?? (string.IsNullOrEmpty(context.Variable(Credentials.TokenVariable)) ? saved.TokenFile : null);
        return new ServerChoice(address, CaFile ?? saved.CaFile, tokenFile, certificate, key);
    }
}
