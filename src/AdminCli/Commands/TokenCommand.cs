using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Tokens for callers over the network.</summary>
internal static class TokenCommand
{
    private static readonly TimeSpan MinLifetime = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(3650);

    private static readonly Dictionary<string, Role> Roles = new() { ["read"] = Role.Read, ["operate"] = Role.Operate, ["admin"] = Role.Admin };

    private static readonly Column[] Columns =
    [
        new("ID"), new("NAME"), new("ROLE"), new("CREATED", ToTheRight: true), new("EXPIRES", ToTheRight: true), new("LAST_USED", ToTheRight: true),
        new("CREATED_AT", Wide: true), new("EXPIRES_AT", Wide: true),
    ];

    public static Command Create(GlobalOptions globals, CommandContext context) => new ExampleCommand(
        "token",
        "Creates, lists and revokes access tokens for the admin listener on TCP.",
        "A token authenticates calls to relayd's admin listener on TCP, with the token's role. These commands require the role admin, which users of the Unix socket have unless relayd is configured otherwise.",
        "relayctl token create --name ci --role read     # printed only once",
        "relayctl token list",
        "relayctl token revoke 1a2b3c4d")
    {
        CreateTokenCommand(globals, context),
        ListCommand(globals, context),
        RevokeCommand(globals, context),
    };

    private static Command CreateTokenCommand(GlobalOptions globals, CommandContext context)
    {
        var name = new Option<string>("--name") { Description = "Name of its holder: 1 to 64 letters, digits, '-', '_', '.' or '@'.", HelpName = "name", Required = true };
        var role = ArgumentParsers.Choice("--role", Roles);
        role.Required = true;
        role.Description = "read: read-only calls; operate: also limits, bans, disconnects and drains; admin: everything.";
        var expires = new Option<TimeSpan?>("--expires")
        {
            Description = "Lifetime, 1m to 3650d (default 30d).",
            HelpName = "time",
            CustomParser = ArgumentParsers.Duration("--expires", MinLifetime, MaxLifetime, "12h, 30d or 365d"),
        };
        var reason = Reason();
        return new ExampleCommand(
            "create",
            "Creates a token and prints it once.",
            "The relay stores only a hash: a lost token cannot be shown again, only revoked. Store it in a file that only you can read, for --token-file, or pass it in RELAY_TOKEN.",
            "(umask 077; relayctl token create --name ci --role read --expires 90d > ci.token)",
            "relayctl token create --name kay@desk --role operate -o json | jq -r .token")
        {
            name,
            role,
            expires,
            reason,
        }.WithAction(globals, context, async call =>
        {
            var request = new CreateTokenRequest { Name = call.Options.GetValue(name), Role = call.Options.GetValue(role), Reason = call.Options.GetValue(reason) ?? "" };
            if (call.Options.GetValue(expires) is { } lifetime)
            {
                request.Lifetime = lifetime.ToDuration();
            }

            var created = await call.Connection.Admin.CreateTokenAsync(request, call.Unary);
            call.Output.Answer(created, () =>
            {
                // The token alone, so that it can be redirected into a file.
                call.Output.Line(Printable.Clean(created.Token));
                call.Error.WriteLine($"Token {Describe(created.Info)}, valid until {Units.Time(created.Info?.ExpiresAt)}. Shown only once. Store it safely.");
            });

            return ExitCodes.Ok;
        });
    }

    private static Command ListCommand(GlobalOptions globals, CommandContext context)
    {
        var list = new PagedList<ListTokensResponse, AccessToken>(
            "tokens", ListTokensResponse.TokensFieldNumber, response => (response.Tokens, response.NextPageToken, response.TotalSize), Columns, Row);
        var command = new ExampleCommand(
            "list",
            "Lists the tokens, without their secrets.",
            "Oldest first. CREATED and LAST_USED say how long ago (LAST_USED to the minute), EXPIRES the time left. Expired tokens stay in the list for 30 days.",
            "relayctl token list",
            "relayctl token list --all -o json | jq -r '.tokens[] | select(.expired) | .name'")
        {
            list.Top,
            list.All,
        };
        command.Validators.Add(list.Check);
        return command.WithWatch(globals, context, call => list.ShowAsync(
            call, "No tokens.", (size, token) => call.Connection.Admin.ListTokensAsync(new ListTokensRequest { PageSize = size, PageToken = token }, call.Unary)));
    }

    private static Command RevokeCommand(GlobalOptions globals, CommandContext context)
    {
        var id = new Argument<string>("id") { Description = "As `relayctl token list` shows it." };
        var reason = Reason();
        return new ExampleCommand(
            "revoke",
            "Revokes a token, immediately and permanently.",
            "Calls with it are rejected as soon as this command returns; a watch that it opened ends with its next snapshot.",
            "relayctl token revoke 1a2b3c4d --reason 'laptop lost'")
        {
            id,
            reason,
        }.WithAction(globals, context, async call =>
        {
            var request = new RevokeTokenRequest { Id = call.Options.GetValue(id), Reason = call.Options.GetValue(reason) ?? "" };
            var revoked = await call.Connection.Admin.RevokeTokenAsync(request, call.Unary);
            call.Output.Answer(revoked, () => call.Output.Line($"Revoked {Describe(revoked.Info)}."));

            return ExitCodes.Ok;
        });
    }

    private static Option<string?> Reason() => new("--reason") { Description = "Reason; recorded with your name in the audit log. At most 256 characters.", HelpName = "text" };

    private static string Describe(AccessToken? token) =>
        token is null ? Units.Unknown : $"{Printable.Clean(token.Name)} ({Printable.Clean(token.Id)}), role {Word(token.Role)}";

    private static string Word(Role role) => Roles.FirstOrDefault(known => known.Value == role).Key ?? Units.Unknown;

    private static string[] Row(AccessToken token, DateTimeOffset now) =>
    [
        Printable.CleanOrUnknown(token.Id),
        Printable.CleanOrUnknown(token.Name),
        Word(token.Role),
        Units.Since(token.CreatedAt, now),
        token.Expired ? "expired" : token.ExpiresAt is { } end ? Units.Left(end, now) : Units.Unknown,
        Units.Since(token.LastUsed, now),
        Units.Time(token.CreatedAt),
        Units.Time(token.ExpiresAt),
    ];
}
