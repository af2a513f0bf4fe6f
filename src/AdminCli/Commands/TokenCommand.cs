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

    private static readonly Column[] Columns = [new("ID"), new("NAME"), new("ROLE"), new("CREATED"), new("EXPIRES"), new("LAST USED")];

    public static Command Create(GlobalOptions globals, CommandContext context) => new ExampleCommand(
        "token",
        "Makes, lists and revokes tokens for callers over the network.",
        "A token lets its holder call the relay's admin listener on TCP, with the role that it was made with. Needs the role admin, as every user of the Unix socket has it unless relayd's options say otherwise.",
        "relayctl token create --name ci --role read     # prints it, this once",
        "relayctl token list",
        "relayctl token revoke 1a2b3c4d")
    {
        MakeCommand(globals, context),
        ListCommand(globals, context),
        RevokeCommand(globals, context),
    };

    private static Command MakeCommand(GlobalOptions globals, CommandContext context)
    {
        var name = new Option<string>("--name") { Description = "For people: 1 to 64 letters, digits, '-', '_', '.' or '@'.", HelpName = "name", Required = true };
        var role = ArgumentParsers.Choice("--role", Roles);
        role.Required = true;
        role.Description = "read: all that only looks; operate: limits, bans, disconnecting as well; admin: everything.";
        var expires = new Option<TimeSpan?>("--expires")
        {
            Description = "How long it is valid, 1m to 3650d (default 30d).",
            HelpName = "time",
            CustomParser = ArgumentParsers.Duration("--expires", MinLifetime, MaxLifetime, "12h, 30d or 365d"),
        };
        var reason = Reason();
        return new ExampleCommand(
            "create",
            "Makes a token and prints it, this once.",
            "The relay keeps only a hash: a token that is lost cannot be shown again, only revoked. Keep it in a file that nobody else can read; --token-file and RELAY_TOKEN take it.",
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

            var made = await call.Connection.Admin.CreateTokenAsync(request, call.Unary);
            if (call.Output.IsJson)
            {
                call.Output.Json(made);
            }
            else
            {
                // The token alone, so that it can be redirected into a file.
                call.Output.Line(Printable.Clean(made.Token));
                call.Error.WriteLine($"Token {Describe(made.Info)}, valid until {Units.Time(made.Info?.ExpiresAt)}. Shown only once. Store it safely.");
            }

            return ExitCodes.Ok;
        });
    }

    private static Command ListCommand(GlobalOptions globals, CommandContext context)
    {
        var list = new PagedList<ListTokensResponse, AccessToken>(
            "tokens", response => (response.Tokens, response.NextPageToken, response.TotalSize), Columns, Row);
        var command = new ExampleCommand(
            "list",
            "Lists the tokens, without their secrets.",
            "Oldest first. LAST USED is right to the minute. One that has expired stays in the list for 30 days.",
            "relayctl token list",
            "relayctl token list --all -o json | jq -r '.tokens[] | select(.expired) | .name'")
        {
            list.Top,
            list.All,
        };
        command.Validators.Add(list.Check);
        return command.WithAction(globals, context, call => list.ShowAsync(
            call, "No tokens.", (size, token) => call.Connection.Admin.ListTokensAsync(new ListTokensRequest { PageSize = size, PageToken = token }, call.Unary)));
    }

    private static Command RevokeCommand(GlobalOptions globals, CommandContext context)
    {
        var id = new Argument<string>("id") { Description = "As `relayctl token list` shows it." };
        var reason = Reason();
        return new ExampleCommand(
            "revoke",
            "Makes a token invalid, at once and for good.",
            "Calls with it are refused from the reply on, and a watch that it opened ends with its next snapshot.",
            "relayctl token revoke 1a2b3c4d --reason 'laptop lost'")
        {
            id,
            reason,
        }.WithAction(globals, context, async call =>
        {
            var request = new RevokeTokenRequest { Id = call.Options.GetValue(id), Reason = call.Options.GetValue(reason) ?? "" };
            var revoked = await call.Connection.Admin.RevokeTokenAsync(request, call.Unary);
            if (call.Output.IsJson)
            {
                call.Output.Json(revoked);
            }
            else
            {
                call.Output.Line($"Revoked {Describe(revoked.Info)}.");
            }

            return ExitCodes.Ok;
        });
    }

    private static Option<string?> Reason() => new("--reason") { Description = "Why; goes to the relay's audit beside who. At most 256 characters.", HelpName = "text" };

    private static string Describe(AccessToken? token) =>
        token is null ? Units.Unknown : $"{Printable.Clean(token.Name)} ({Printable.Clean(token.Id)}), role {Word(token.Role)}";

    private static string Word(Role role) => Roles.FirstOrDefault(known => known.Value == role).Key ?? Units.Unknown;

    private static string[] Row(AccessToken token, DateTimeOffset now) =>
    [
        Printable.CleanOrUnknown(token.Id),
        Printable.CleanOrUnknown(token.Name),
        Word(token.Role),
        Units.Ago(token.CreatedAt, now),
        token.Expired ? "expired" : token.ExpiresAt is { } end ? $"in {Units.Duration(new Duration { Seconds = end.Seconds - now.ToUnixTimeSeconds() })}" : Units.Unknown,
        Units.Ago(token.LastUsed, now),
    ];
}
