using System.ComponentModel.DataAnnotations;
using Relay.AdminAuth;

namespace Server.Tests.AdminAuth;

public sealed class SocketRolesTests
{
    private static readonly AdminOptions Lists = new()
    {
        Readers = ["1001", "1003", "@2001"],
        Operators = ["@2002", "1002"],
        Admins = ["1003", "@2003"],
    };

    [Theory]
    [InlineData(1000, 1000, "", "None")]
    [InlineData(1001, 1000, "", "Read")]
    [InlineData(1002, 1000, "", "Operate")]
    [InlineData(1000, 2001, "", "Read")]
    [InlineData(1000, 1000, "7 2001", "Read")]
    [InlineData(1000, 1000, "2001 2002", "Operate")]
    [InlineData(1001, 2003, "", "Admin")]
    // In two lists: the higher role holds.
    [InlineData(1003, 1000, "", "Admin")]
    // Root is admin though no list has it; a group 0 is not root.
    [InlineData(0, 0, "", "Admin")]
    [InlineData(1000, 0, "0", "None")]
    // A user's number is no group's.
    [InlineData(2003, 1001, "1003", "None")]
    public void Of_WithLists_IsTheHighestThatFits(uint user, uint group, string groups, string role) =>
        Assert.Equal(role, new SocketRoles(Lists).Of(Process(user, group, groups)).ToString());

    [Theory]
    [InlineData("Readers", "4000")]
    [InlineData("Readers", "@4000")]
    [InlineData("Operators", "4000")]
    [InlineData("Operators", "@4000")]
    [InlineData("Admins", "4000")]
    [InlineData("Admins", "@4000")]
    public void Of_OneListHasAnEntry_EverybodyElseMayNothing(string list, string entry)
    {
        var options = new AdminOptions();
        string[] somebody = [entry];
        typeof(AdminOptions).GetProperty(list)!.SetValue(options, somebody);

        Assert.Equal(AdminRole.None, new SocketRoles(options).Of(Process(1000, 1000)));
        Assert.Equal(AdminRole.Admin, new SocketRoles(options).Of(Process(0, 0)));
        Assert.Equal(AdminRole.None, new SocketRoles(options).Of(null));
    }

    [Fact]
    public void Of_NoList_TheFileModeHasDecided()
    {
        Assert.Equal(AdminRole.Admin, new SocketRoles(new AdminOptions()).Of(Process(1000, 1000)));
        Assert.Equal(AdminRole.Admin, new SocketRoles(new AdminOptions()).Of(null));
    }

    [Fact]
    public void Of_NamesInsteadOfNumbers_AreLookedUp()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "SKIPPED: names are looked up in Linux' files.");
        var roles = new SocketRoles(new AdminOptions { Operators = ["daemon"], Admins = ["@daemon"] });
        var (user, group) = (PasswdFile.UserId("daemon")!.Value, PasswdFile.GroupId("daemon")!.Value);

        Assert.Equal("daemon", PasswdFile.UserName(user));
        Assert.Equal(AdminRole.Operate, roles.Of(Process(user, 1000)));
        Assert.Equal(AdminRole.Admin, roles.Of(Process(1000, group)));
    }

    [Fact]
    public void Check_NamesThatNobodyHas_AreNamedWithTheirOption()
    {
        var options = new AdminOptions { Operators = ["1000", "no-such-user"], Admins = ["@no-such-group"], Readers = ["-1", "@"] };
        var errors = options.Validate(new ValidationContext(options)).ToArray();

        Assert.Equal(["Admins", "Operators", "Readers", "Readers"], errors.Select(error => error.MemberNames.Single()).Order());
        Assert.Contains("there is no group 'no-such-group'", errors[0].ErrorMessage, StringComparison.Ordinal);
    }

    private static PeerProcess Process(uint user, uint group, string groups = "") =>
        new(user, group, 42, [.. groups.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(uint.Parse)]);
}
