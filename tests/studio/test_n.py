from tests.studio.test_browser import *
from tests.studio.conftest import *
def test_n(story, chromium):
    with served(story) as a:
        for w in (390,1440):
            p=chromium.new_page(viewport={"width":w,"height":844}, color_scheme="dark"); sign_in(p,a,"data-scientist"); p.screenshot(path=f"/tmp/st_loop{w}.png", full_page=True)
            p.goto(a+"/studio/promotions/calm-otter-to-preprod-1"); p.screenshot(path=f"/tmp/st_prom{w}.png", full_page=True)
            p.goto(a+"/studio/sign-in"); p.screenshot(path=f"/tmp/st_sign{w}.png", full_page=True); p.close()
