using AdminCli.Tests.Support;
using Relay.AdminCli;

namespace AdminCli.Tests;

/// <summary>Wrong command lines: a sentence, exit code 2, and nothing is sent (there is no relay here to send it to).</summary>
public sealed class UsageTests
{
    [Theory]
    [InlineData("set-limit --per-ip 0", "--per-ip must be between 1 and 1,000,000, not '0'; to admit no clients, stop relayd instead.")]
    [InlineData("set-limit --per-ip -5", "--per-ip must be between 1 and 1,000,000, not '-5'; to admit no clients, stop relayd instead.")]
    [InlineData("set-limit --per-ip 1000001", "--per-ip must be between 1 and 1,000,000, not '1000001'; to lift the limit in effect, use 1000000.")]
    [InlineData("set-limit --per-ip 99999999999999999999", "--per-ip must be between 1 and 1,000,000, not '99999999999999999999'; write it in plain digits, such as 50.")]
    [InlineData("set-limit --per-ip abc", "--per-ip must be between 1 and 1,000,000, not 'abc'; write it in plain digits, such as 50.")]
    [InlineData("set-limit --per-ip 5.5", "--per-ip must be between 1 and 1,000,000, not '5.5'; write it in plain digits, such as 50.")]
    [InlineData("set-limit --per-ip 1,000", "--per-ip must be between 1 and 1,000,000, not '1,000'; write it in plain digits, such as 50.")]
    [InlineData("set-limit --per-ip 0x10", "--per-ip must be between 1 and 1,000,000, not '0x10'; write it in plain digits, such as 50.")]
    [InlineData("set-limit --total 0", "--total must be between 1 and 1,000,000, not '0'; to admit no clients, stop relayd instead.")]
    [InlineData("set-limit --total 1000001", "--total must be between 1 and 1,000,000, not '1000001'; to lift the limit in effect, use 1000000.")]
    [InlineData("set-limit", "Nothing to change: give --total N, --per-ip N or another limit.")]
    [InlineData("set-limit --reason why", "Nothing to change: give --total N, --per-ip N or another limit.")]
    [InlineData("set-limit --per-ip 5 --per-ip 6", "Option '--per-ip' expects a single argument but 2 were provided.")]
    [InlineData("set-limit --per-ip", "Required argument missing for option: '--per-ip'.")]
    [InlineData("set-limit --per-ip 5 --expect-revision 0", "--expect-revision must be 1 or greater, not '0'.")]
    [InlineData("set-limit --per-ip 5 extra", "Unrecognized command or argument 'extra'.")]
    [InlineData("set-limit --per-56 x", "--per-56 must be off, a multiple of the limit per address such as 8x, or a number from 1 to 1,000,000, not 'x'.")]
    [InlineData("set-limit --per-48 0x", "--per-48 must be off, a multiple of the limit per address such as 8x, or a number from 1 to 1,000,000, not '0x'.")]
    [InlineData("set-limit --per-24 1000001", "--per-24 must be off, a multiple of the limit per address such as 8x, or a number from 1 to 1,000,000, not '1000001'.")]
    [InlineData("set-limit --rate-per-ip fast", "--rate-per-ip must be off, or a rate such as '20/s burst 200' or 30/m, not 'fast'.")]
    [InlineData("set-limit --unresolved maybe", "--unresolved must be total-only or refuse, not 'maybe'.")]
    [InlineData("set-limit --per-ip 5 --for 0s", "--for must be between 1s and 30d, such as 30s, 30m or 2h, not '0s'.")]
    [InlineData("set-limit --per-ip 5 --for 31d", "--for must be between 1s and 30d, such as 30s, 30m or 2h, not '31d'.")]
    [InlineData("set-limit --per-ip 5 --for 99999999999999999999d", "--for must be between 1s and 30d, such as 30s, 30m or 2h, not '99999999999999999999d'.")]
    [InlineData("set-limit --per-ip 5 --confirm-within 2h", "--confirm-within must be between 1s and 1h, such as 30s, 30m or 2h, not '2h'.")]
    [InlineData("set-limit --per-ip 5 --excess drop", "--excess must be keep, evict-idle or evict-newest, not 'drop'.")]
    [InlineData("confirm first", "The revision must be 1 or greater, not 'first'.")]
    [InlineData("limits diff", "Required argument 'from' missing for command: 'diff'.")]
    [InlineData("limits rollback 0", "The revision must be 1 or greater, not '0'.")]
    [InlineData("limits shadow set", "Nothing to set: give at least one limit, such as --per-ip N, or --override NETWORK=VALUE.")]
    [InlineData("limits shadow set --override 203.0.113.7", "--override must be a network and 1 to 1,000,000, unlimited or deny, such as 203.0.113.0/24=200, not '203.0.113.7'.")]
    [InlineData("overrides set 203.0.113.7 many", "The limit must be 1 to 1,000,000, unlimited or deny, not 'many'.")]
    [InlineData("overrides set 203.0.113.7", "Required argument 'limit|unlimited|deny' missing for command: 'set'.")]
    [InlineData("ban foo", "'foo' is not a network or IP address; write it like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7.")]
    [InlineData("unban 10.1", "'10.1' is not a network or IP address; write it like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7.")]
    [InlineData("bans --cidr 300.1.1.1", "'300.1.1.1' is not a network or IP address; write it like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7.")]
    [InlineData("overrides set 10.0.0.1/8 5", "10.0.0.1/8 has bits set after the prefix; write 10.0.0.0/8 or 10.0.0.1.")]
    [InlineData("overrides set 2001:db8::1/32 deny", "2001:db8::1/32 has bits set after the prefix; write 2001:db8::/32 or 2001:db8::1.")]
    [InlineData("limits reset", "Give items to reset, such as per-ip, or --all alone.")]
    [InlineData("limits reset per-ip --all", "Give items to reset, such as per-ip, or --all alone.")]
    [InlineData("ban 203.0.113.7 --for 11000d", "--for must be between 1s and 3650d, such as 30m, 1h or 7d, not '11000d'.")]
    [InlineData("ban", "Give a network or --subject, one of them.")]
    [InlineData("ban 203.0.113.7 --subject alice", "Give a network or --subject, one of them.")]
    [InlineData("unban", "Give a network or --subject, one of them.")]
    [InlineData("ips --subjects --networks", "A subject lies in no network: give neither --networks nor --cidr with --subjects.")]
    [InlineData("ips --subjects --cidr 203.0.113.0/24", "A subject lies in no network: give neither --networks nor --cidr with --subjects.")]
    [InlineData("explain --subject alice", "Required argument 'address' missing for command: 'explain'.")]
    [InlineData("ips --top -1", "--top must be between 0 and 1,000,000, not '-1'.")]
    [InlineData("ips --top 1000001", "--top must be between 0 and 1,000,000, not '1000001'.")]
    [InlineData("ips --all --top 5", "--all and --top cannot be combined.")]
    [InlineData("ips --sort name", "--sort must be connections, refused or recent, not 'name'.")]
    [InlineData("relays --sort name", "--sort must be load, connected or recent, not 'name'.")]
    [InlineData("relays --state idle", "--state must be offered or busy, not 'idle'.")]
    [InlineData("relays --all --top 5", "--all and --top cannot be combined.")]
    [InlineData("channels --sort name", "--sort must be subscribers, waiting, dropped or recent, not 'name'.")]
    [InlineData("channels --state busy", "--state must be live, owned or ownerless, not 'busy'.")]
    [InlineData("channels --top -1", "--top must be between 0 and 1,000,000, not '-1'.")]
    [InlineData("top", "top needs a terminal (over ssh: ssh -t). Use `relayctl top --once` for one screen, `relayctl stats --watch` for continuous output.")]
    [InlineData("top -o json", "-o json, jsonl and csv require --once; use `relayctl stats --watch -o json` for continuous output.")]
    [InlineData("top --once --interval 99ms", "--interval must be between 100ms and 1h, such as 500ms, 5s or 2m, not '99ms'.")]
    [InlineData("stats --interval 5s", "--interval requires --watch.")]
    [InlineData("stats --watch --interval 99ms", "--interval must be between 100ms and 1h, such as 500ms, 5s or 2m, not '99ms'.")]
    [InlineData("stats --watch --interval 61m", "--interval must be between 100ms and 1h, such as 500ms, 5s or 2m, not '61m'.")]
    [InlineData("stats --watch --interval soon", "--interval must be between 100ms and 1h, such as 500ms, 5s or 2m, not 'soon'.")]
    [InlineData("stats --watch --interval -1s", "--interval must be between 100ms and 1h, such as 500ms, 5s or 2m, not '-1s'.")]
    [InlineData("stats --watch --interval 99999999999999999999h", "--interval must be between 100ms and 1h, such as 500ms, 5s or 2m, not '99999999999999999999h'.")]
    [InlineData("stats --timeout 10m", "--timeout must be between 100ms and 5m, such as 500ms, 5s or 2m, not '10m'.")]
    [InlineData("stats -o xml", "--output must be table, wide, json, jsonl or csv, not 'xml'.")]
    [InlineData("stats -o 1", "--output must be table, wide, json, jsonl or csv, not '1'.")]
    [InlineData("stats --server localhost:9001", "--server: 'localhost:9001' is not an address. Accepted: unix:/path/admin.sock, /path/admin.sock, http://host:port or https://host:port.")]
    [InlineData("completion tcsh", "The shell must be bash, zsh or fish, not 'tcsh'.")]
    [InlineData("audit --since 0s", "--since must be between 1s and 3650d, such as 30m, 12h or 7d, not '0s'.")]
    [InlineData("audit --since 99999999d", "--since must be between 1s and 3650d, such as 30m, 12h or 7d, not '99999999d'.")]
    [InlineData("audit --last -1", "--last must be between 0 and 1,000,000, not '-1'.")]
    [InlineData("token", "Missing command. Commands: create, list, revoke.")]
    [InlineData("token make", "'make' is not a command. Commands: create, list, revoke.")]
    [InlineData("token revoke", "Required argument 'id' missing for command: 'revoke'.")]
    [InlineData("token create --name x", "Option '--role' is required.")]
    [InlineData("token create --name x --role root", "--role must be read, operate or admin, not 'root'.")]
    [InlineData("token create --name x --role read --expires 4000d", "--expires must be between 1m and 3650d, such as 12h, 30d or 365d, not '4000d'.")]
    [InlineData("explain", "Required argument 'address' missing for command: 'explain'.")]
    [InlineData("explain 203.0.113.7 --last 0", "--last must be between 1 and 100, not '0'.")]
    [InlineData("explain 203.0.113.7 --last 101", "--last must be between 1 and 100, not '101'.")]
    [InlineData("tail --last -1", "--last must be between 0 and 1,000, not '-1'.")]
    [InlineData("tail --last 1001", "--last must be between 0 and 1,000, not '1001'.")]
    [InlineData("events --last 1025", "--last must be between 0 and 1,024, not '1025'.")]
    [InlineData("tail everything", "Unrecognized command or argument 'everything'.")]
    [InlineData("connections --sort name", "--sort must be age, idle, messages, bytes or queue, not 'name'.")]
    [InlineData("connections --kind ghost", "--kind must be all, unregistered, code or peer, not 'ghost'.")]
    [InlineData("connections --all --top 5", "--all and --top cannot be combined.")]
    [InlineData("disconnect", "Give --id, --cidr, --code, --peer-id, --subject, --idle or --kind.")]
    [InlineData("disconnect --dry-run --reason why", "Give --id, --cidr, --code, --peer-id, --subject, --idle or --kind.")]
    [InlineData("disconnect --kind all", "--kind must be unregistered, code or peer, not 'all'.")]
    [InlineData("disconnect --idle 1", "--idle needs a unit: write 1s, 5m or 1h30m, not '1'.")]
    [InlineData("disconnect --id 1 --peer-id x", "Give only one of --id, --cidr, --code, --peer-id and --subject.")]
    [InlineData("disconnect --id 0", "--id must be 1 or greater, not '0'.")]
    [InlineData("disconnect --id 1 --id 2", "Option '--id' expects a single argument but 2 were provided.")]
    [InlineData("disconnect --id 1 --close-code 1005", "--close-code must be 1000, 1001, 1008, 1011 to 1013 or 3000 to 4999, not '1005'.")]
    [InlineData("disconnect --code aaa", "--code must be a pairing code of 6 letters and digits (A-Z without I and O, 2-9), not 'aaa'.")]
    [InlineData("disconnect --peer-id a:b", "--peer-id must be 1 to 128 letters, digits, '-' or '_', not 'a:b'.")]
    [InlineData("disconnect --cidr everybody", "'everybody' is not a network or IP address; write it like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7.")]
    [InlineData("disconnect --cidr 127.0.0.1/8", "127.0.0.1/8 has bits set after the prefix; write 127.0.0.0/8 or 127.0.0.1.")]
    [InlineData("ips --cidr 300.1.1.1", "'300.1.1.1' is not a network or IP address; write it like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7.")]
    [InlineData("connections --cidr 1.2.3", "'1.2.3' is not a network or IP address; write it like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7.")]
    [InlineData("relays --cidr ::/129", "'::/129' is not a network or IP address; write it like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7.")]
    [InlineData("tail --cidr x", "'x' is not a network or IP address; write it like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7.")]
    [InlineData("explain foo", "'foo' is not an IP address; write it like 203.0.113.7 or 2001:db8::1.")]
    [InlineData("explain 203.0.113.0/24", "'203.0.113.0/24' is not an IP address; write it like 203.0.113.7 or 2001:db8::1.")]
    [InlineData("explain fe80::1%eth0", "'fe80::1%eth0' is not an IP address; write it like 203.0.113.7 or 2001:db8::1.")]
    [InlineData("explain 203.0.113.7 -H X-Forwarded-For", "'X-Forwarded-For' is not a header; write it like 'X-Forwarded-For: 203.0.113.7'.")]
    [InlineData("explain 203.0.113.7 --listener 9001", "--listener must be an address and a port, such as 0.0.0.0:9001, not '9001'.")]
    [InlineData("ban 203.0.113.7 --for 1", "--for needs a unit: write 1s, 5m or 1h30m, not '1'.")]
    [InlineData("set-limit --per-ip 5 --for 60", "--for needs a unit: write 1s, 5m or 1h30m, not '60'.")]
    [InlineData("stats --timeout 1", "--timeout needs a unit: write 1s, 5m or 1h30m, not '1'.")]
    [InlineData("audit --since 1", "--since needs a unit: write 1s, 5m or 1h30m, not '1'.")]
    [InlineData("drain --deadline 1", "--deadline needs a unit: write 1s, 5m or 1h30m, not '1'.")]
    [InlineData("drain --deadline 30m1h", "--deadline must be between 1s and 1d, such as 30s, 5m or 1h, not '30m1h'.")]
    [InlineData("stats --exit-on-loss", "--exit-on-loss requires --watch.")]
    [InlineData("help statz", "'statz' is not a command. Commands: {commands}.")]
    [InlineData("help token make", "'make' is not a command. Commands: create, list, revoke.")]
    [InlineData("help stats now", "'now' is not a command.")]
    [InlineData("disconnect --id 1 --close-code 999", "--close-code must be 1000, 1001, 1008, 1011 to 1013 or 3000 to 4999, not '999'.")]
    [InlineData("disconnect --id 1 --close-code 5000", "--close-code must be 1000, 1001, 1008, 1011 to 1013 or 3000 to 4999, not '5000'.")]
    [InlineData("upgrade --rate 0", "--rate must be between 1 and 100,000, not '0'.")]
    [InlineData("upgrade --deadline 25h", "--deadline must be between 1s and 1d, such as 30s, 5m or 1h, not '25h'.")]
    [InlineData("drain --rate 0", "--rate must be between 1 and 100,000, not '0'.")]
    [InlineData("drain --rate 100001", "--rate must be between 1 and 100,000, not '100001'.")]
    [InlineData("drain --deadline 0s", "--deadline must be between 1s and 1d, such as 30s, 5m or 1h, not '0s'.")]
    [InlineData("drain --deadline 25h", "--deadline must be between 1s and 1d, such as 30s, 5m or 1h, not '25h'.")]
    [InlineData("drain --cancel --rate 5", "--cancel cannot be combined with --rate or --deadline.")]
    [InlineData("drain --cancel --deadline 5m", "--cancel cannot be combined with --rate or --deadline.")]
    [InlineData("statz", "'statz' is not a command. Commands: {commands}.")]
    [InlineData("--bogus", "'--bogus' is not an option. Commands: {commands}.")]
    [InlineData("stats --bogus", "Unrecognized command or argument '--bogus'.")]
    public async Task Run_WrongCommandLine_IsRefusedWithASentence(string line, string sentence)
    {
        var result = await Cli.For("/nowhere/admin.sock").RunLineAsync(line);
        var commands = AdminCommand.Create(CommandContext.OfThisProcess()).Subcommands.Select(command => command.Name);
        Assert.Equal(sentence.Replace("{commands}", string.Join(", ", commands), StringComparison.Ordinal), result.ErrorLines[0]);
        Assert.Matches("^Run `relayctl( [a-z-]+)* --help` for usage.$", result.ErrorLines[^1]);
        Assert.Equal(2, result.ErrorLines.Length);
        Assert.Empty(result.Output);
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
    }

    [Fact]
    public async Task Run_TwoMistakes_BothAreSaid()
    {
        var result = await Cli.For("/nowhere/admin.sock").RunLineAsync("set-limit --per-ip 0 --total abc");
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Contains(result.ErrorLines, line => line.StartsWith("--per-ip must be", StringComparison.Ordinal));
        Assert.Contains(result.ErrorLines, line => line.StartsWith("--total must be", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("foo")]
    [InlineData("unix:relative")]
    public async Task Run_BadVariable_NamesTheVariable(string address)
    {
        var result = await Cli.For(address).RunAsync("stats");
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.Equal($"RELAY_ADMIN: '{address}' is not an address. Accepted: unix:/path/admin.sock, /path/admin.sock, http://host:port or https://host:port.\n", result.Error);
    }

    [Fact]
    public async Task Run_EscapeSequenceInAnArgument_IsNotPrinted()
    {
        var result = await Cli.For("/nowhere/admin.sock").RunAsync("stats", "\e[31mx");
        Assert.Equal(ExitCodes.Usage, result.ExitCode);
        Assert.DoesNotContain('\e', result.Error);
    }

    [Fact]
    public async Task Run_OptionBesideTheVariable_OptionWins()
    {
        var result = await Cli.For("/nowhere/variable.sock").RunAsync("stats", "--server", "/nowhere/option.sock");
        Assert.StartsWith("Cannot reach the relay at unix:/nowhere/option.sock: ", result.Error);
    }

    [Fact]
    public async Task Run_GlobalOptionBeforeTheCommand_IsUnderstood()
    {
        var result = await new Cli().RunAsync("--server", "/nowhere/option.sock", "stats");
        Assert.StartsWith("Cannot reach the relay at unix:/nowhere/option.sock: ", result.Error);
    }

    [Fact]
    public async Task Run_ReasonThatLooksLikeAResponseFile_IsTakenAsItIs()
    {
        var result = await Cli.For("/nowhere/admin.sock").RunAsync("set-limit", "--per-ip", "5", "--reason", "@team");
        Assert.Equal(ExitCodes.Unreachable, result.ExitCode);
    }
}
