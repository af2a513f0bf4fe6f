using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.AdminCli;

namespace AdminCli.Tests;

public sealed class DecisionLineTests
{
    [Fact]
    public void Format_RefusedIpv4_SaysRefusedWithCountsAndLimits() => Assert.Equal(
        "2026-01-02T14:15:16.789Z refused per_ip_limit 127.0.0.1  per-ip 50/50  /24 50  total 50/10000  (2 similar not shown)",
        DecisionLine.Format(new DecisionEntry
        {
            Time = Moment,
            Address = "127.0.0.1",
            Key = "127.0.0.1",
            Outcome = "per_ip_limit",
            Connections = 50,
            ConnectionsLimit = 50,
            Near = 50,
            NearNetwork = "/24",
            Total = 50,
            TotalLimit = 10_000,
            Suppressed = 2,
        }));

    [Fact]
    public void Format_AdmittedIpv6_SaysWhatItCountsAsAndTheShadow() => Assert.Equal(
        "2026-01-02T14:15:16.789Z admitted 2001:db8::1 counted as 2001:db8::/64  per-ip 3/50  /56 7/400  /48 9/3200  total 50/10000  shadow per_ip_limit",
        DecisionLine.Format(new DecisionEntry
        {
            Time = Moment,
            Address = "2001:db8::1",
            Key = "2001:db8::/64",
            Outcome = "admitted",
            Shadow = "per_ip_limit",
            Connections = 3,
            ConnectionsLimit = 50,
            Near = 7,
            NearLimit = 400,
            NearNetwork = "/56",
            Far = 9,
            FarLimit = 3_200,
            FarNetwork = "/48",
            Total = 50,
            TotalLimit = 10_000,
        }));

    private static Timestamp Moment => Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 1, 2, 14, 15, 16, 789, TimeSpan.Zero));
}
