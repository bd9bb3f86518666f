"""What stands on village papers: invented names, places, sums and sentences. Nobody's data."""

from __future__ import annotations

import numpy as np

Rng = np.random.Generator


def _listed(text: str) -> list[str]:
    return text.split()


SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉秀珍建国志春梅海燕文辉永福长顺德贵"
PLACES = _listed("沙河 马家 兴隆 东坡 白云 石桥 柳树 青山 大湾 红星 双河 龙泉 新民 太平 永安 下坝 水口 长岭")
ITEMS = _listed(
    "高龄津贴 农村危房改造 城乡居民养老保险 粮食补贴 农机购置补贴 临时救助 低保待遇 残疾人两项补贴 "
    "宅基地审批 林木采伐 老年优待证 生育登记 医疗救助 公益性岗位 土地流转 土地确权 水费减免 特困供养"
)
LABELS = _listed(
    "姓名 性别 民族 出生年月 身份证号码 联系电话 家庭住址 户口性质 文化程度 健康状况 婚姻状况 开户银行 银行账号 "
    "申请事项 申请理由 家庭人口 年收入 宅基地面积 建房地点 四至范围 村民小组意见 村委会意见 乡镇人民政府意见 "
    "主管部门意见 经办人 审核人 备注 与户主关系 补贴标准 残疾类别 监护人姓名 从业状况 现居住地址 邮政编码"
)
CLAUSES = _listed(
    "本人自愿申请并承诺所提供的材料真实有效 如有虚假愿承担一切法律责任 经村民代表会议民主评议 "
    "该户因病致贫生活困难 家中共有四口人 主要收入来源为务农和外出打零工 现将有关事项通知如下 "
    "各乡镇人民政府要高度重视 明确责任分工 严格落实首问负责制和一次性告知制度 公示期为七个工作日 "
    "公示期间如有异议请向村务监督委员会反映 请各有关部门结合实际认真贯彻执行 确保补贴资金及时足额发放到户 "
    "对不符合条件的应当书面说明理由 所需材料包括申请书和户口簿复印件 房屋于去年汛期受损 墙体开裂屋面漏雨 "
    "经现场核查情况属实 同意上报 医疗费用支出较大 子女均在外地就学 土地承包经营权证号见附件 自发布之日起施行"
)
ENGLISH = _listed(
    "the of and to in application notice hereby village committee resident support allowance household income "
    "submitted document signed date page certify that following public service office approval within working days "
    "please contact between original copy account number address family member under review decision record"
)


def name(rng: Rng) -> str:
    given = "".join(rng.choice(list(GIVEN), int(rng.integers(1, 3))))
    return f"{rng.choice(list(SURNAMES))}{given}"


def place(rng: Rng) -> str:
    town, village = rng.choice(PLACES, 2, replace=False)
    return f"{town}镇{village}村第{rng.integers(1, 14)}村民小组{rng.integers(1, 200)}号"


def digits(rng: Rng, count: int) -> str:
    return "".join(str(each) for each in rng.integers(0, 10, count))


def day(rng: Rng) -> str:
    return f"{rng.integers(2015, 2027)}年{rng.integers(1, 13)}月{rng.integers(1, 29)}日"


def money(rng: Rng) -> str:
    return f"{rng.integers(20, 90000)}.{rng.integers(0, 10)}0"


def title(rng: Rng) -> str:
    return f"{rng.choice(ITEMS)}{rng.choice(['申请表', '审批表', '登记表', '审核表', '申请书', '承诺书', '证明'])}"


def sentence(rng: Rng, *, english: bool = False) -> str:
    if english:
        words = " ".join(rng.choice(ENGLISH, int(rng.integers(6, 18))))
        return words.capitalize() + ". "
    return ",".join(rng.choice(CLAUSES, int(rng.integers(1, 5)))) + "。"


def paragraph(rng: Rng, sentences: int, *, english: bool = False) -> str:
    return "".join(sentence(rng, english=english) for _ in range(sentences))


def answer(rng: Rng) -> str:
    """What somebody wrote into a field."""
    ways = (name, place, day, money, lambda r: digits(r, 18), lambda r: digits(r, 11), sentence)
    return str(ways[int(rng.integers(0, len(ways)))](rng))
